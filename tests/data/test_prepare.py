import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from trainer import storage
from trainer.config.schema import Corpus as Settings
from trainer.config.schema import TextSource, Vocab
from trainer.data import vocab
from trainer.data.corpus import Corpus
from trainer.data.manifest import Manifest
from trainer.data.prepare import is_held_out, prepare, prepare_vocab, unigram_entropy
from trainer.errors import ConfigError, DataError

ROOT = Path(__file__).parents[2]


def silent(_what: str, _done: int, _all: int | None) -> None:
    pass


def write_text(folder: Path, documents: int = 400) -> TextSource:
    blocks = [
        f"Town {number} lies by the sea. It has {number % 7} towers.\nIts people fish." for number in range(documents)
    ]
    (folder / "text.txt").write_text("\n\n".join(blocks))
    return TextSource(path=str(folder / "text.txt"))


@pytest.fixture
def source(tmp_path: Path) -> TextSource:
    return write_text(tmp_path)


def make(folder: Path, source: TextSource, **settings: object) -> Manifest:
    """The vocabulary and the corpus below `folder`."""
    sources = [(source, source.path)]
    corpus = Settings.model_validate({"sources": [source], "documents_per_shard": 100, "held_out": 0.1, **settings})
    words = prepare_vocab(Vocab(size=200), None, sources, str(folder / "vocab"), progress=silent)
    tokenizer = vocab.load(str(folder / "vocab" / "vocab.txt"), lowercase=True)
    return prepare(corpus, sources, tokenizer, words.sha256, str(folder / "corpus"), progress=silent)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_corpus_is_the_text(tmp_path: Path, source: TextSource) -> None:
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


def test_the_manifest_counts_what_is_there(tmp_path: Path, source: TextSource) -> None:
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


def test_a_corpus_that_is_there_is_used_as_it_is(tmp_path: Path, source: TextSource) -> None:
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
    tmp_path: Path, source: TextSource, changed: dict[str, object], problem: str
) -> None:
    make(tmp_path, source)
    with pytest.raises(ConfigError, match=problem):
        make(tmp_path, source, **changed)


def test_a_corpus_of_another_vocabulary_is_refused(tmp_path: Path, source: TextSource) -> None:
    make(tmp_path, source)
    tokenizer = vocab.load(str(tmp_path / "vocab/vocab.txt"), lowercase=True)
    settings = Settings(sources=(source,), documents_per_shard=100, held_out=0.1)
    with pytest.raises(ConfigError, match=r'SHA-256 of vocab\.txt: is "ab", but .* was made with "'):
        prepare(settings, [(source, source.path)], tokenizer, "ab", str(tmp_path / "corpus"), progress=silent)


@pytest.mark.parametrize("documents", [1000, 2000])
def test_a_killed_preparation_is_made_again(tmp_path: Path, documents: int) -> None:
    source = write_text(tmp_path, documents=3000)
    make(tmp_path / "undisturbed", source)
    words = prepare_vocab(
        Vocab(size=200), None, [(source, source.path)], str(tmp_path / "killed/vocab"), progress=silent
    )
    program = (
        "import os, signal, sys\n"
        "from trainer.config.schema import Corpus, TextSource\n"
        "from trainer.data import vocab\n"
        "from trainer.data.prepare import prepare\n"
        "path, folder, most, sha = sys.argv[1:]\n"
        "def progress(what, done, total):\n"
        "    if done == int(most): os.kill(os.getpid(), signal.SIGKILL)\n"
        "source = TextSource(path=path)\n"
        "corpus = Corpus(sources=(source,), documents_per_shard=100, held_out=0.1)\n"
        "tokenizer = vocab.load(folder + '/vocab/vocab.txt', True)\n"
        "prepare(corpus, [(source, path)], tokenizer, sha, folder + '/corpus', progress=progress)\n"
    )
    arguments = [source.path, str(tmp_path / "killed"), str(documents), words.sha256]
    killed = subprocess.run([sys.executable, "-c", program, *arguments], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "killed/corpus/corpus.json").exists()
    make(tmp_path / "killed", source)
    assert files(tmp_path / "killed") == files(tmp_path / "undisturbed")


def test_what_an_unfinished_preparation_left_is_cleared_away(tmp_path: Path, source: TextSource) -> None:
    (tmp_path / "run/corpus").mkdir(parents=True)
    for name in ("train-00099.arrow", ".held_out-00000.arrow.0123abcd.tmp", "notes.txt"):
        (tmp_path / "run/corpus" / name).write_text("")
    make(tmp_path / "run", source)
    assert sorted(path.name for path in (tmp_path / "run/corpus").iterdir()) == [
        "corpus.json",
        "held_out-00000.arrow",
        "notes.txt",
        *(f"train-0000{number}.arrow" for number in range(4)),
    ]


def test_a_corpus_may_lie_on_any_storage(tmp_path: Path, source: TextSource) -> None:
    make(tmp_path, source)
    tokenizer = vocab.load(str(tmp_path / "vocab/vocab.txt"), lowercase=True)
    settings = Settings(sources=(source,), documents_per_shard=100, held_out=0.1)
    sha256 = vocab.fingerprint(vocab.read(str(tmp_path / "vocab/vocab.txt")))
    prepare(settings, [(source, source.path)], tokenizer, sha256, "memory://test-prepare", progress=silent)
    assert {
        name: storage.read_bytes(f"memory://test-prepare/{name}") for name in storage.names("memory://test-prepare")
    } == files(tmp_path / "corpus")


def test_the_share_of_held_out_documents_is_as_asked_for() -> None:
    for share in (0.005, 0.1, 0.5):
        number = sum(is_held_out(number, share) for number in range(100_000))
        assert number == pytest.approx(100_000 * share, rel=0.1)
    assert not any(is_held_out(number, 0) for number in range(1000))


def test_a_small_corpus_holds_out_one_document(tmp_path: Path) -> None:
    made = make(tmp_path, write_text(tmp_path, documents=2), held_out=0.001)
    assert (made.totals["train"].documents, made.totals["held_out"].documents) == (1, 1)


def test_a_corpus_with_nothing_left_to_train_on_is_refused(tmp_path: Path) -> None:
    source = write_text(tmp_path, documents=1)
    with pytest.raises(ConfigError, match=r"corpus\.held_out: 0\.1 keeps a document from training, .*; set it to 0"):
        make(tmp_path, source)
    assert not (tmp_path / "corpus/corpus.json").exists()
    assert make(tmp_path, source, held_out=0).totals["held_out"].documents == 0


def test_a_corpus_without_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "blank.txt").write_text("\n\n")
    with pytest.raises(DataError, match=r"blank\.txt: there is no text in it"):
        make(tmp_path, TextSource(path=str(tmp_path / "blank.txt")))
    assert files(tmp_path) == {"blank.txt": b"\n\n"}


def test_unigram_entropy_is_that_of_the_frequencies() -> None:
    assert unigram_entropy(np.array([3, 0, 3, 3])) == pytest.approx(np.log(3))
    assert unigram_entropy(np.array([0, 9])) == 0
    assert unigram_entropy(np.array([1, 3])) == pytest.approx(0.25 * np.log(4) + 0.75 * np.log(4 / 3))


def test_progress_is_told_along_the_way_and_at_the_end(tmp_path: Path) -> None:
    source = write_text(tmp_path, documents=2500)
    told: list[tuple[str, int, int | None]] = []

    def progress(what: str, done: int, total: int | None) -> None:
        told.append((what, done, total))

    prepare_vocab(Vocab(size=200), None, [(source, source.path)], str(tmp_path / "vocab"), progress=progress)
    assert told == [("documents", 1000, None), ("documents", 2000, None), ("documents", 2500, 2500)]


def test_a_given_vocabulary_is_checked_and_copied(tmp_path: Path) -> None:
    given, folder = str(tmp_path / "given.txt"), str(tmp_path / "vocab")
    vocab.save([*vocab.SPECIAL_PIECES, "the"], given)
    made = prepare_vocab(Vocab(path=given), given, [], folder, progress=silent)
    assert vocab.read(f"{folder}/vocab.txt") == [*vocab.SPECIAL_PIECES, "the"]
    assert (made.size, made.sha256) == (6, vocab.fingerprint(vocab.read(given)))
    storage.remove(given)
    assert prepare_vocab(Vocab(path=given), given, [], folder, progress=silent) == made


def test_an_unusable_given_vocabulary_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "given.txt").write_text("the\nof\n")
    with pytest.raises(DataError, match=r"given\.txt: the vocabulary has no"):
        prepare_vocab(
            Vocab(path="given.txt"), str(tmp_path / "given.txt"), [], str(tmp_path / "vocab"), progress=silent
        )
    assert files(tmp_path) == {"given.txt": b"the\nof\n"}


def test_a_vocabulary_of_other_settings_is_refused(tmp_path: Path, source: TextSource) -> None:
    sources, folder = [(source, source.path)], str(tmp_path / "vocab")
    prepare_vocab(Vocab(size=100), None, sources, folder, progress=silent)
    with pytest.raises(ConfigError, match=r"vocab\.size: is 150, but .*vocab was made with 100"):
        prepare_vocab(Vocab(size=150), None, sources, folder, progress=silent)
    other = TextSource(path="other.txt")
    with pytest.raises(ConfigError, match=r"corpus\.sources: is .*other\.txt"):
        prepare_vocab(Vocab(size=100), None, [(other, other.path)], folder, progress=silent)


def test_real_books_are_prepared_with_google_s_vocabulary(tmp_path: Path, shared_data: Path) -> None:
    given = str(shared_data / "bert-base-uncased-vocab.txt")
    source = TextSource(path=str(shared_data / "books" / "1[36]*.txt.gz"), documents="file")
    words = prepare_vocab(Vocab(path=given), given, [], str(tmp_path / "vocab"), progress=silent)
    settings, tokenizer = Settings(sources=(source,), held_out=0.1), vocab.load(given, lowercase=True)
    made = prepare(
        settings, [(source, source.path)], tokenizer, words.sha256, str(tmp_path / "corpus"), progress=silent
    )
    assert made.totals["train"].documents + made.totals["held_out"].documents == 3
    assert made.unknown_rate < 1e-5
    assert 6 < made.unigram_entropy < 7
    tokens, lengths = Corpus(str(tmp_path / "corpus"), "train").document(0)
    assert tokens.dtype == np.uint16
    assert 15 < lengths.mean() < 50
    assert "holmes" in tokenizer.decode(tokens[:300].tolist()) or "sheppard" in tokenizer.decode(tokens[:300].tolist())
