"""The doctor finds what was put into a corpus, and nothing in a good one."""

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.data.making import silent
from tests.data.preprocessed.making import Row, write_dle
from tests.data.preprocessed.making import World as Instances
from tests.data.preprocessed.preparing import make as make_instances
from tests.data.stories import STORIES
from trainer.config.corpus import CorpusRun
from trainer.config.schema import Pretrain, World
from trainer.data.corpus import Corpus, described
from trainer.data.doctor import hashes
from trainer.data.doctor.diagnosis import Diagnosis
from trainer.data.doctor.examination import examine
from trainer.data.doctor.rows import AT_ONCE, Rows
from trainer.data.prepare import find_duplicates, prepare, prepare_vocab, surveyor
from trainer.data.shared_corpus import load_tokenizer
from trainer.data.vocab_files import read_given
from trainer.data.world import write_world
from trainer.errors import DataError

STAGE = Pretrain(max_length=96, batch_size=32, max_steps=300)
Make = Callable[..., Path]


@pytest.fixture(scope="module")
def articles(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Good documents: articles of the invented world."""
    folder = tmp_path_factory.mktemp("world")
    write_world(World(towns=1500, dev_towns=10), str(folder))
    return (folder / "articles.txt").read_text().split("\n\n")


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Prepares a corpus of documents by the real functions: its folder."""

    def prepared(
        documents: Sequence[str], *, cleaning: dict[str, Any] | None = None, held_out: float = 0, **vocab: Any
    ) -> Path:
        (tmp_path / "text.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in documents))
        corpus = {
            "sources": [{"path": f"{tmp_path}/text.jsonl", "format": "jsonl"}],
            "held_out": held_out,
            "documents_per_shard": 700,
            "cleaning": cleaning or {},
        }
        run = CorpusRun.model_validate({"storage": str(tmp_path), "corpus": corpus, "vocab": {"size": 1000} | vocab})
        sources = [(source, source.path) for source in run.corpus.sources]
        look = surveyor(run.corpus, sources, progress=silent, processes=1)
        words, uri = str(tmp_path / "vocab"), str(tmp_path / "corpus")
        given = run.vocab.path and read_given(run.vocab.path, run.vocab.lowercase)
        find_duplicates(run.corpus, look, uri)
        made = prepare_vocab(run.vocab, run.vocab.path if given else None, run.corpus, look, words)
        assert prepare(run.corpus, sources, load_tokenizer(words), made, uri, progress=silent, processes=1)
        return tmp_path

    return prepared


def diagnosed(folder: Path, *stages: Pretrain, most_tokens: int | None = None) -> Diagnosis:
    return examine(f"{folder}/corpus", f"{folder}/vocab", stages, most_tokens=most_tokens, tell=silent)


def warned(found: Diagnosis) -> list[str]:
    return [concern.problem for concern in found.warnings]


def test_a_good_corpus_has_no_warnings(make: Make, articles: list[str]) -> None:
    found = diagnosed(make(articles, held_out=0.01), STAGE)
    assert warned(found) == []
    assert (found.documents, found.duplicate_documents, found.unknown_rate) == (1500, 0, 0)
    assert {amount.split for amount in found.amounts} == {"train", "held_out"}
    assert found.languages == {"en": 1}
    assert (found.examined, found.checked) == (1, True)


def test_real_books_have_no_warnings(make: Make, shared_data: Path) -> None:
    files = sorted((shared_data / "books").glob("*.gz"))
    books = [gzip.decompress(file.read_bytes()).decode()[3000:200_000] for file in files]
    found = diagnosed(make(books, size=4000), STAGE.model_copy(update={"max_length": 128}))
    assert warned(found) == []
    assert found.languages == {"en": 1}
    assert found.duplicate_sentences is not None
    assert found.duplicate_sentences < 0.01


def test_totals_are_those_of_the_manifest(make: Make, articles: list[str]) -> None:
    folder = make(articles, held_out=0.1)
    found = diagnosed(folder)
    totals = described(f"{folder}/corpus").totals
    for amount in found.amounts:
        told = totals[amount.split]
        assert (amount.documents, amount.sentences, amount.tokens) == (told.documents, told.sentences, told.tokens)
        assert amount.source.endswith("text.jsonl")


def test_repeated_documents_are_counted_one_by_one(make: Make, articles: list[str]) -> None:
    found = diagnosed(make([*articles[:900], *articles[:100]]), STAGE)
    assert found.duplicate_documents == 0.1
    assert "10 % of your documents came before, word by word" in warned(found)
    assert found.warnings[0].remedy.startswith("set corpus.cleaning.duplicates to exact")


def test_the_remedy_helps(make: Make, articles: list[str]) -> None:
    found = diagnosed(make([*articles, *articles[:150]], cleaning={"duplicates": "exact"}), STAGE)
    assert warned(found) == []
    assert found.left_out == {"duplicate": 150}


def test_boilerplate_is_found_in_documents_that_differ(make: Make, articles: list[str]) -> None:
    notice = " All rights are reserved, and nothing may be copied without the leave of the town."
    found = diagnosed(make([article + notice for article in articles]), STAGE)
    assert found.duplicate_documents == 0
    assert any(problem.endswith("of your sentences are duplicates") for problem in warned(found))


def test_words_that_the_vocabulary_lacks_are_named(make: Make, articles: list[str], tmp_path: Path) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters[:36])]
    (tmp_path / "given.txt").write_text("\n".join([*pieces, "the", "town"]))
    greek = [f"{article} {'Φάρος ' * 5}" for article in articles]
    found = diagnosed(make(greek, path=str(tmp_path / "given.txt")), STAGE)
    assert next(iter(found.unknown_words)).lower().startswith("φ")
    assert found.unknown_words["Φάρος"] == 7500
    assert any("unknown to the vocabulary, such as 'Φάρος'" in problem for problem in warned(found))


def test_documents_of_one_sentence_make_random_pairs(make: Make, articles: list[str]) -> None:
    folder = make([article.split(". ")[0] + "." for article in articles])
    found = diagnosed(folder, STAGE)
    assert found.single_sentences == 1
    assert found.drawn[0].random_next == 1
    problems = warned(found)
    assert "100 % of the documents are one sentence, so what follows is random" in problems
    assert "the second part is random in 100 % of pretrain's pairs" in problems
    without = diagnosed(folder, STAGE.model_copy(update={"next_sentence_prediction": False}))
    assert without.drawn[0].random_next is None
    assert not any("random" in problem for problem in warned(without))


def test_another_language_is_found(make: Make, articles: list[str]) -> None:
    german = [f"{STORIES['de']} Das war im Jahr {year}." for year in range(500)]
    found = diagnosed(make([*articles, *german]), STAGE)
    assert found.languages["de"] == pytest.approx(0.25, abs=0.06)
    (problem,) = [problem for problem in warned(found) if "languages" in problem]
    assert problem.startswith("languages are mixed: en ")


def test_junk_is_among_the_strangest_with_its_place(make: Make, articles: list[str]) -> None:
    junk = '<table class="t9"><tr><td>&nbsp;</td></tr></table>' * 30
    listing = "qx7 zv9 jk2 wq8 xz3 vj5 kq1 zx6 jw4 qv0 xk8 zj3 vw7 qz2 kx9 jv1 " * 2
    documents = [*articles[:800], junk, *articles[800:1200], listing, *articles[1200:]]
    found = diagnosed(make(documents), STAGE)
    places = {(stranger.shard, stranger.row): stranger for stranger in found.strangers}
    assert len(found.strangers) == 20
    stranger = places["train-00001.arrow", 100]
    assert stranger.why == "repetitive"
    assert stranger.repeated > 0.9
    assert stranger.text.startswith('< table class = " t9 "')
    assert len(stranger.text) <= 80
    odd = places["train-00001.arrow", 501]
    assert odd.surprise == max(stranger.surprise for stranger in found.strangers)


def test_a_menu_that_is_in_many_documents_is_warned_of(make: Make, articles: list[str]) -> None:
    menus = [f"Page {number}. " + "Home News Sport Weather Contact " * 40 for number in range(60)]
    found = diagnosed(make([*articles, *menus]), STAGE)
    assert found.repetitive == pytest.approx(60 / 1560)
    assert any("repeat themselves for over half of their length" in problem for problem in warned(found))


def test_cased_vocabularies_are_compared_with_the_text(make: Make, articles: list[str]) -> None:
    cased = diagnosed(make(articles, lowercase=False), STAGE)
    assert cased.capitals is not None
    assert 0.1 < cased.capitals < 0.6
    assert warned(cased) == []


def test_a_cased_vocabulary_of_lower_case_text_is_suspicious(make: Make, articles: list[str]) -> None:
    found = diagnosed(make([article.lower() for article in articles], lowercase=False), STAGE)
    assert found.capitals == 0
    assert warned(found) == ["the vocabulary keeps capitals, and 0 % of the words begin with one"]


def test_a_cased_vocabulary_that_is_used_lower_cased_is_suspicious(
    make: Make, articles: list[str], tmp_path: Path
) -> None:
    cased = make(articles, lowercase=False)
    (cased / "vocab" / "vocab.txt").rename(tmp_path / "cased.txt")
    for name in ("vocab/vocab.json", "corpus/corpus.json"):
        (cased / name).unlink()
    found = diagnosed(make(articles, path=str(tmp_path / "cased.txt")), STAGE)
    assert found.idle_capitals > 50
    assert any("pieces of the vocabulary have capitals, and the text is lower-cased" in each for each in warned(found))


def test_short_documents_and_a_tiny_corpus(make: Make, articles: list[str]) -> None:
    stage = Pretrain(max_length=512, batch_size=256, max_steps=1000)
    found = diagnosed(make(articles[:300]), stage)
    (drawn,) = found.drawn
    assert drawn.short > 0.9
    assert drawn.epochs == pytest.approx(256_000 / 300)
    problems = warned(found)
    assert any("pretrain's instances are under half of its max_length" in problem for problem in problems)
    assert "pretrain goes 853 times through the corpus" in problems
    assert any(problem.startswith("the corpus is tiny: ") for problem in problems)


def test_without_a_run_its_settings_are_not_warned_of(make: Make, articles: list[str]) -> None:
    found = diagnosed(make(articles))
    assert found.assumed
    assert [drawn.max_length for drawn in found.drawn] == [512]
    assert warned(found) == []


def test_figures_of_instances_are_those_that_training_sees(make: Make, articles: list[str]) -> None:
    stages = (STAGE, STAGE.model_copy(update={"name": "long", "max_length": 200, "mlm_probability": 0.3}))
    for drawn, stage in zip(diagnosed(make(articles), *stages).drawn, stages, strict=True):
        assert (drawn.stage, drawn.samples, drawn.epoch) == (stage.name, sum(drawn.bins), drawn.samples)
        assert drawn.mask_rate == pytest.approx(stage.mlm_probability, abs=0.01)
        assert (drawn.masked, drawn.replaced) == pytest.approx((0.8, 0.1), abs=0.02)
        assert drawn.random_next == pytest.approx(0.5, abs=0.08)
        assert 0 < drawn.padding < 1
        assert len(drawn.bins) * drawn.bin_width >= stage.max_length


def test_too_few_predictions_are_warned_of(make: Make, articles: list[str]) -> None:
    found = diagnosed(make(articles), STAGE.model_copy(update={"max_predictions": 4}))
    (concern,) = found.warnings
    assert concern.problem.startswith("pretrain masks ")
    assert concern.remedy == "set max_predictions to 14"


def test_a_quick_look_is_at_some_of_it(make: Make, articles: list[str]) -> None:
    found = diagnosed(make(articles), STAGE, most_tokens=30_000)
    assert not found.checked
    assert 0.1 < found.examined < 0.6
    assert warned(found) == []


def test_a_diagnosis_is_json(make: Make, articles: list[str]) -> None:
    found = diagnosed(make(articles[:100]))
    assert Diagnosis.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize("masks", ["keep", "draw"])
def test_instances_that_others_made_are_examined_as_far_as_they_tell(tmp_path: Path, masks: str) -> None:
    world = Instances.of(towns=50)
    rows = world.rows(400)
    path = write_dle(tmp_path / "rows.hdf5", [*rows, *rows[:100]])
    make_instances(tmp_path / "made", world, path, masks=masks, held_out=0)
    stage = STAGE.model_copy(update={"max_length": 64, "max_predictions": 10})
    found = diagnosed(tmp_path / "made", stage)
    assert (found.kind, found.documents, found.duplicate_documents) == ("instances", 500, 0.2)
    assert (found.duplicate_sentences, found.single_sentences) == (None, None)
    (drawn,) = found.drawn
    predicted = sum(len(row.positions) for row in [*rows, *rows[:100]])
    tokens = sum(len(row.tokens) for row in [*rows, *rows[:100]])
    assert found.tokens == tokens
    assert drawn.mask_rate == pytest.approx(predicted / tokens, abs=0.01)
    assert drawn.random_next == sum(row.is_random for row in [*rows, *rows[:100]]) / 500
    assert drawn.epoch == drawn.samples == 500
    assert "20 % of your instances came before, word by word" in warned(found)
    assert not any("cleaning" in concern.remedy for concern in found.warnings), "instances cannot be cleaned"


def test_instances_longer_than_berth_s_default_are_drawn_too(tmp_path: Path) -> None:
    world = Instances.of(towns=50)
    path = write_dle(tmp_path / "rows.hdf5", [*world.rows(20, max_length=60), _long_row()], max_length=600)
    make_instances(tmp_path / "made", world, path, held_out=0)
    found = diagnosed(tmp_path / "made")
    assert [drawn.max_length for drawn in found.drawn] == [600]


def _long_row() -> Row:
    return Row([2, *([7, 8] * 298), 3, 9, 3], 598, [1], [4], 0)


def test_a_flipped_bit_is_named(make: Make, articles: list[str]) -> None:
    folder = make(articles)
    shard = folder / "corpus" / "train-00001.arrow"
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 4
    shard.write_bytes(data)
    Corpus(f"{folder}/corpus", "train")  # opens, since nothing is of another size
    with pytest.raises(
        DataError, match=r"train-00001\.arrow: is damaged: its SHA-256 is \w{64}, and corpus\.json says"
    ):
        diagnosed(folder)


def test_a_shard_that_is_gone_is_named(make: Make, articles: list[str]) -> None:
    folder = make(articles)
    (folder / "corpus" / "train-00000.arrow").unlink()
    with pytest.raises(DataError, match=r"train-00000\.arrow: the shard is missing"):
        diagnosed(folder)


def test_blocks_have_every_row_once_and_in_order(make: Make, articles: list[str]) -> None:
    uri = f"{make(articles)}/corpus"
    rows, corpus = Rows(uri, described(uri), "train"), Corpus(uri, "train")
    blocks = list(rows.blocks(1))
    assert [block.first for block in blocks] == [0, 700, 1400]
    assert all(block.tokens.size <= AT_ONCE for block in blocks)
    sizes = np.concatenate([block.sizes for block in blocks])
    assert sizes.tolist() == [corpus.document(number).tokens.size for number in range(len(corpus))]
    assert all((rows.tokens(number) == corpus.document(number).tokens).all() for number in (0, 699, 700, 1499))
    assert rows.place(700) == ("train-00001.arrow", 0)


def test_some_of_the_rows_are_spread_evenly(make: Make, articles: list[str]) -> None:
    uri = f"{make(articles)}/corpus"
    seen = [
        number
        for block in Rows(uri, described(uri), "train").blocks(0.2)
        for number in range(block.first, block.first + block.sizes.size)
    ]
    assert seen == [number for number in range(1500) if number % 320 < 64]


@given(arrays.arrays(np.uint16, st.integers(0, 60), elements=st.integers(0, 3)), st.data())
def test_stretches_have_one_hash_just_if_they_are_equal(values: np.ndarray, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, values.size), max_size=12)))
    parts = np.split(values, cuts)
    found = hashes.of_stretches(values, np.array([part.size for part in parts]))
    texts = [part.tobytes() for part in parts]
    assert len(set(found.tolist())) == len(set(texts))
    assert hashes.repeated([found]) == pytest.approx(1 - len(set(texts)) / len(texts))
