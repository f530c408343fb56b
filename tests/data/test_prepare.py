import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.data.making import files, looking, make, make_part, make_vocab, silent, write_text
from trainer import storage
from trainer.config.corpus import Cleaning, Source, Vocab
from trainer.config.corpus import Corpus as Settings
from trainer.data import manifest, vocab
from trainer.data.corpus import Corpus
from trainer.data.corpus_parts import WHOLE, Part, unigram_entropy
from trainer.data.cutting import is_held_out
from trainer.data.manifest import Duplicates, VocabManifest
from trainer.data.prepare import find_duplicates, prepare, prepare_vocab, surveyor
from trainer.data.shared_corpus import load_tokenizer
from trainer.errors import ConfigError, DataError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return write_text(tmp_path)


def test_a_corpus_is_the_text(tmp_path: Path, source: Source) -> None:
    made = make(tmp_path / "run", source)
    tokenizer = vocab.load(str(tmp_path / "run/vocab/vocab.txt"), lowercase=True)
    splits = {split: Corpus(str(tmp_path / "run/corpus"), split) for split in made.totals}
    documents: dict[str, Iterator[int]] = {split: iter(range(len(corpus))) for split, corpus in splits.items()}
    for number in range(400):
        split = "held_out" if is_held_out(number, 0.1) else "train"
        tokens, lengths = splits[split].document(next(documents[split]))
        text = f"Town {number} lies by the sea. It has {number % 7} towers. Its people fish."
        assert tokens.tolist() == tokenizer.encode(text).ids
        assert lengths.size == 3
    assert {split: len(corpus) for split, corpus in splits.items()} == {
        split: totals.documents for split, totals in made.totals.items()
    }


def test_the_manifest_counts_what_is_there(tmp_path: Path, source: Source) -> None:
    made = make(tmp_path, source)
    totals = made.totals
    assert totals["train"].documents + totals["held_out"].documents == 400
    assert totals["train"].sentences == 3 * totals["train"].documents
    assert {shard.split for shard in made.shards} == {"train", "held_out"}
    assert [shard.documents for shard in made.shards if shard.split == "train"][:-1] == [100, 100, 100]
    assert sum(shard.tokens for shard in made.shards) == totals["train"].tokens + totals["held_out"].tokens
    corpus = Corpus(str(tmp_path / "corpus"), "train")
    tokens = np.concatenate([corpus.document(number).tokens for number in range(len(corpus))])
    assert totals["train"].tokens == tokens.size
    assert made.unigram_entropy == pytest.approx(unigram_entropy(np.bincount(tokens)))
    assert made.unknown_rate == 0


def test_a_corpus_that_is_there_is_used_as_it_is(tmp_path: Path, source: Source) -> None:
    made = make(tmp_path / "run", source)
    before = files(tmp_path / "run")
    Path(source.path).unlink()
    assert make(tmp_path / "run", source) == made
    assert files(tmp_path / "run") == before


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"held_out": 0.2}, r"corpus\.held_out: is 0\.2, but .*corpus was made with 0\.1; set it back"),
        ({"documents_per_shard": 7}, r"corpus\.documents_per_shard: is 7, but .* was made with 100"),
        (
            {"sources": [{"path": "b.txt"}]},
            r"corpus\.sources: is \[.*b\.txt.*\], but .* was made with \[.*text\.txt.*\]",
        ),
    ],
)
def test_a_corpus_of_other_settings_is_refused(
    tmp_path: Path, source: Source, changed: dict[str, object], problem: str
) -> None:
    make(tmp_path, source)
    with pytest.raises(ConfigError, match=problem):
        make(tmp_path, source, **changed)


def test_a_corpus_of_another_vocabulary_is_refused(tmp_path: Path, source: Source) -> None:
    make(tmp_path, source)
    made = manifest.read(str(tmp_path / "vocab/vocab.json"), VocabManifest)
    storage.write_text(str(tmp_path / "vocab/vocab.json"), made.model_copy(update={"sha256": "ab"}).model_dump_json())
    with pytest.raises(ConfigError, match=r'SHA-256 of vocab\.txt: is "ab", but .* was made with "'):
        make(tmp_path, source)


@pytest.mark.parametrize("part", [Part(0, 1), Part(1, 2)])
def test_a_killed_preparation_is_gone_on_with(tmp_path: Path, part: Part) -> None:
    source = write_text(tmp_path, documents=3000)
    make(tmp_path / "undisturbed", source)
    killed = tmp_path / "killed"
    settings = Settings(sources=(source,), documents_per_shard=100, held_out=0.1)
    words = make_vocab(Vocab(size=200), source, str(killed / "vocab"), settings)
    program = (
        "import os, pathlib, signal, sys\n"
        "from trainer.config.corpus import Corpus, Source\n"
        "from trainer.data import prepare, shared_corpus\n"
        "from trainer.data.manifest import Duplicates, VocabManifest\n"
        "from trainer.data.corpus_parts import Part\n"
        "path, folder, part, words = sys.argv[1:]\n"
        "def progress(what, done, total):\n"
        "    if done > 1700: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from trainer.data import progress as told\n"
        "told._TELL_EVERY = 0\n"
        "source = Source(path=path)\n"
        "corpus = Corpus(sources=(source,), documents_per_shard=100, held_out=0.1)\n"
        "tokenizer = shared_corpus.load_tokenizer(folder + '/vocab')\n"
        "words = VocabManifest.model_validate_json(words)\n"
        "part = Part.parse(part)\n"
        "sources, folder = [(source, path)], folder + '/corpus'\n"
        "prepare.prepare(corpus, sources, tokenizer, words, folder, progress=progress, processes=1, part=part)\n"
    )
    arguments = [source.path, str(killed), str(part), words.model_dump_json()]
    process = subprocess.run([sys.executable, "-c", program, *arguments], cwd=ROOT, check=False)
    assert process.returncode == -signal.SIGKILL
    kept = {path: path.stat().st_ino for path in (killed / "corpus").glob("*.arrow")}
    assert len(kept) >= 7
    assert not (killed / "corpus/corpus.json").exists()
    for number in range(part.of):
        make_part(killed, source, Part(number, part.of))
    assert files(killed) == files(tmp_path / "undisturbed")
    assert {path: path.stat().st_ino for path in kept} == kept, "finished shards are not written again"


@pytest.mark.parametrize("processes", [2, 4])
def test_a_corpus_is_the_same_at_any_number_of_processes(tmp_path: Path, processes: int) -> None:
    source = write_text(tmp_path, documents=1000)
    make(tmp_path / "one", source)
    make_part(tmp_path / "many", source, WHOLE, processes)
    assert files(tmp_path / "many") == files(tmp_path / "one")


def test_documents_that_are_left_out_are_counted(tmp_path: Path) -> None:
    texts = ["A town by the sea.", "A hill.", "A town by the sea.", "\x01", "A river in the north."]
    (tmp_path / "text.txt").write_text("\n\n".join(texts))
    source = Source(path=str(tmp_path / "text.txt"))
    made = make(tmp_path, source, held_out=0, cleaning={"duplicates": "exact", "min_characters": 8})
    assert made.left_out == {"duplicate": 1, "short": 2}
    assert made.totals["train"].documents == 2
    assert sorted(path.name for path in (tmp_path / "corpus").iterdir()) == ["corpus.json", "train-00000.arrow"]


def test_duplicates_that_were_found_with_other_settings_are_looked_for_anew(tmp_path: Path, source: Source) -> None:
    where = str(tmp_path)
    for minimum, expected in ((0, {1: "duplicate"}), (50, {})):
        cleaning = Cleaning(duplicates="exact", min_characters=minimum)
        (tmp_path / "text.txt").write_text("A town.\n\nA town.\n\nA hill.")
        corpus = Settings(sources=(source,), cleaning=cleaning)
        find_duplicates(corpus, looking(corpus), where)
        assert manifest.read(f"{where}/duplicates.json", Duplicates).documents == expected


@pytest.mark.parametrize("count", [1, 3])
def test_duplicates_are_the_same_at_any_number_of_parts_and_processes(tmp_path: Path, count: int) -> None:
    (tmp_path / "text.txt").write_text("\n\n".join(f"Town {number % 300} is small." for number in range(1000)))
    source, cleaning = Source(path=str(tmp_path / "text.txt")), {"duplicates": "exact"}
    whole = make(tmp_path / "whole", source, cleaning=cleaning)
    assert whole.left_out == {"duplicate": 700}
    for number in range(count):
        made = make_part(tmp_path / "parts", source, Part(number, count), 2, cleaning=cleaning)
    assert made == whole
    assert files(tmp_path / "parts") == files(tmp_path / "whole")


def test_unknown_words_are_told(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("\n\n".join(["a b a b", "a ζ b", "b ζ ξ a"]))
    (tmp_path / "vocab.txt").write_text("".join(f"{piece}\n" for piece in (*vocab.SPECIAL_PIECES, "a", "b")))
    source, given = Source(path=str(tmp_path / "text.txt")), str(tmp_path / "vocab.txt")
    words = prepare_vocab(Vocab(path=given), given, None, None, str(tmp_path / "vocab"))
    sources, settings = [(source, source.path)], Settings(sources=(source,), held_out=0)
    tokenizer, where = load_tokenizer(str(tmp_path / "vocab")), str(tmp_path / "corpus")
    made = prepare(settings, sources, tokenizer, words, where, progress=silent, processes=1)
    assert made is not None
    assert (made.unknown_words, made.unknown_rate) == ({"ζ": 2, "ξ": 1}, 3 / 11)


def test_text_that_changed_in_between_is_read_anew(tmp_path: Path) -> None:
    source = write_text(tmp_path, documents=400)
    make_part(tmp_path / "changed", source, Part(0, 2))
    write_text(tmp_path, documents=390)
    make(tmp_path / "changed", source)
    before = files(tmp_path / "changed")
    make(tmp_path / "afresh", source)
    shards = {name: data for name, data in files(tmp_path / "afresh").items() if name.startswith("corpus/train")}
    assert {name: before[name] for name in shards} != shards, "the vocabulary is of the first text"
    assert Corpus(str(tmp_path / "changed/corpus"), "train").manifest.totals["train"].documents < 360


def test_what_an_unfinished_preparation_left_is_cleared_away(tmp_path: Path, source: Source) -> None:
    (tmp_path / "run/corpus").mkdir(parents=True)
    for name in ("train-00099.arrow", ".held_out-00000.arrow.0123abcd.tmp", "notes.txt"):
        (tmp_path / "run/corpus" / name).write_text("")
    (tmp_path / "run/vocab").mkdir()
    (tmp_path / "run/vocab/.vocab.txt.0123abcd.tmp").write_text("[PAD]")
    make(tmp_path / "run", source)
    assert sorted(path.name for path in (tmp_path / "run/vocab").iterdir()) == ["vocab.json", "vocab.txt"]
    assert sorted(path.name for path in (tmp_path / "run/corpus").iterdir()) == [
        "corpus.json",
        "held_out-00000.arrow",
        "notes.txt",
        *(f"train-0000{number}.arrow" for number in range(4)),
    ]


def test_a_corpus_may_lie_on_any_storage(tmp_path: Path, source: Source) -> None:
    make(tmp_path, source)
    words = manifest.read(str(tmp_path / "vocab/vocab.json"), VocabManifest)
    settings = Settings(sources=(source,), documents_per_shard=100, held_out=0.1)
    where, tokenizer = "memory://test-prepare", load_tokenizer(str(tmp_path / "vocab"))
    for part in (Part(0, 2), Part(1, 2)):
        sources = [(source, source.path)]
        prepare(settings, sources, tokenizer, words, where, progress=silent, processes=1, part=part)
    found = {name: storage.read_bytes(f"{where}/{name}") for name in storage.names(where)}
    assert found == files(tmp_path / "corpus")


def test_documents_without_a_token_are_left_out(tmp_path: Path) -> None:
    texts = ["A town.", "\x01\x02", "A river.", "\x01", "\x02", "A hill. A hill."]
    (tmp_path / "text.txt").write_text("\n\n".join(texts))
    source = Source(path=str(tmp_path / "text.txt"))
    made = make(tmp_path, source, documents_per_shard=1, held_out=0)
    assert made.totals["train"].documents == 3
    corpus = Corpus(str(tmp_path / "corpus"), "train")
    assert [corpus.document(number).sentence_lengths.size for number in range(3)] == [1, 1, 2]


def test_a_small_corpus_holds_out_one_document(tmp_path: Path) -> None:
    made = make(tmp_path, write_text(tmp_path, documents=2), held_out=0.001)
    assert (made.totals["train"].documents, made.totals["held_out"].documents) == (1, 1)


def test_a_corpus_with_nothing_left_to_train_on_is_refused(tmp_path: Path) -> None:
    source = write_text(tmp_path, documents=1)
    with pytest.raises(ConfigError, match=r"corpus\.held_out: 0\.1 keeps every document from training; set it to 0"):
        make(tmp_path, source)
    assert not (tmp_path / "corpus/corpus.json").exists()
    assert make(tmp_path, source, held_out=0).totals["held_out"].documents == 0


def test_a_corpus_without_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "blank.txt").write_text("\n\n")
    with pytest.raises(DataError, match=r"blank\.txt: there is no text in it"):
        make(tmp_path, Source(path=str(tmp_path / "blank.txt")))
    assert files(tmp_path) == {"blank.txt": b"\n\n"}


def test_progress_is_told_along_the_way_and_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.data.progress._TELL_EVERY", 0)
    source = write_text(tmp_path, documents=500)
    monkeypatch.setattr("trainer.data.survey._PIECE_CHARACTERS", 5000)
    sources, vocabulary, told = [(source, source.path)], str(tmp_path / "vocab"), list[tuple[int, int | None]]()
    settings, folder = Settings(sources=(source,), documents_per_shard=100, held_out=0.1), str(tmp_path / "corpus")

    def progress(_what: str, done: int, total: int | None) -> None:
        told.append((done, total))

    look = surveyor(settings, sources, progress=progress, processes=1)
    words = prepare_vocab(Vocab(size=200), None, settings, look, vocabulary)
    assert told == sorted(told, key=lambda line: line[0])
    assert len(told) > 5
    assert (told[0][1], told[-1]) == (None, (500, 500))
    told.clear()
    tokenizer = load_tokenizer(vocabulary)
    prepare(settings, sources, tokenizer, words, folder, progress=progress, processes=1, part=Part(1, 2))
    assert told == sorted(told)
    assert told[0][1] == 500
    assert len(told) == 7, "six shards, and the end"
    assert told[-1] == (500, 500)


def test_a_given_vocabulary_is_checked_and_copied(tmp_path: Path) -> None:
    given, folder = str(tmp_path / "given.txt"), str(tmp_path / "vocab")
    vocab.save([*vocab.SPECIAL_PIECES, "the"], given)
    made = prepare_vocab(Vocab(path=given), given, None, None, folder)
    assert vocab.read(f"{folder}/vocab.txt") == [*vocab.SPECIAL_PIECES, "the"]
    assert (made.size, made.sha256) == (6, vocab.fingerprint(vocab.read(given)))
    storage.remove(given)
    assert prepare_vocab(Vocab(path=given), given, None, None, folder) == made
    assert made.documents is None


def test_an_unusable_given_vocabulary_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "given.txt").write_text("the\nof\n")
    with pytest.raises(DataError, match=r"given\.txt: the vocabulary has no"):
        prepare_vocab(Vocab(path="given.txt"), str(tmp_path / "given.txt"), None, None, str(tmp_path / "vocab"))
    assert files(tmp_path) == {"given.txt": b"the\nof\n"}


def test_a_vocabulary_of_other_settings_is_refused(tmp_path: Path, source: Source) -> None:
    folder = str(tmp_path / "vocab")
    make_vocab(Vocab(size=100), source, folder)
    with pytest.raises(ConfigError, match=r"vocab\.size: is 150, but .*vocab was made with 100"):
        make_vocab(Vocab(size=150), source, folder)
    with pytest.raises(ConfigError, match=r"corpus\.sources: is .*other\.txt"):
        make_vocab(Vocab(size=100), Source(path="other.txt"), folder)
    cleaned = Settings(sources=(source,), cleaning=Cleaning(min_characters=5))
    with pytest.raises(ConfigError, match=r"corpus\.cleaning: is .*\"min_characters\": 5"):
        make_vocab(Vocab(size=100), source, folder, cleaned)


def test_real_books_are_prepared_with_google_s_vocabulary(tmp_path: Path, shared_data: Path) -> None:
    given = str(shared_data / "bert-base-uncased-vocab.txt")
    source = Source(path=str(shared_data / "books" / "1[36]*.txt.gz"), documents="file")
    words = prepare_vocab(Vocab(path=given), given, None, None, str(tmp_path / "vocab"))
    settings, tokenizer = Settings(sources=(source,), held_out=0.1), vocab.load(given, lowercase=True)
    sources, where = [(source, source.path)], str(tmp_path / "corpus")
    made = prepare(settings, sources, tokenizer, words, where, progress=silent, processes=2)
    assert made is not None
    assert made.totals["train"].documents + made.totals["held_out"].documents == 3
    assert made.unknown_rate < 1e-5
    assert 6 < made.unigram_entropy < 7
    tokens, lengths = Corpus(str(tmp_path / "corpus"), "train").document(0)
    assert tokens.dtype == np.uint16
    assert 15 < lengths.mean() < 50
    assert "holmes" in tokenizer.decode(tokens[:300].tolist()) or "sheppard" in tokenizer.decode(tokens[:300].tolist())
