from pathlib import Path

import pytest

from tests.data.making import files, make, make_part, write_text
from trainer.config.corpus import Corpus as Settings
from trainer.config.corpus import Source, Vocab
from trainer.data import shared_corpus, vocab
from trainer.data.corpus import Corpus
from trainer.data.corpus_parts import Part
from trainer.data.prepare import begin, prepare_vocab
from trainer.data.shared_corpus import adopt, how_far, load_tokenizer, wait, wait_until_finished
from trainer.errors import ConfigError, Interrupted


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return write_text(tmp_path)


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_corpus, "_LOOK_EVERY", 0.01)


def begin_here(folder: Path, source: Source, count: int) -> None:
    settings = Settings(sources=(source,), documents_per_shard=100, held_out=0.1)
    begin(settings, Vocab(size=200), str(folder / "corpus"), Part(0, count))


def refusal(folder: Path, minutes: float = 0) -> str:
    with pytest.raises(ConfigError) as caught:
        wait_until_finished(str(folder), minutes, lambda _: None)
    return str(caught.value)


def test_a_refusal_says_how_far_the_corpus_is_and_what_to_do(tmp_path: Path, source: Source) -> None:
    folder = tmp_path / "wiki"
    assert refusal(folder) == f"corpus.prepared: there is no corpus at {folder}; make it with `berth prepare`"
    begin_here(folder, source, 3)
    problem = f"corpus.prepared: the corpus at {folder} is not finished"
    remedy = "wait for its `berth prepare`, or set corpus.wait_minutes"
    assert refusal(folder) == f"{problem}: its vocabulary is being made; {remedy}"
    make_part(folder, source, Part(2, 3))
    assert refusal(folder) == f"{problem}: 1 of 3 parts are done; {remedy}"
    make_part(folder, source, Part(0, 3))
    assert refusal(folder) == f"{problem}: 2 of 3 parts are done; {remedy}"
    make_part(folder, source, Part(1, 3))
    wait_until_finished(str(folder), 0, lambda _: None)


def test_a_run_waits_while_the_parts_finish(tmp_path: Path, source: Source, looked: None) -> None:
    folder = tmp_path / "wiki"
    begin_here(folder, source, 2)
    told: list[str] = []

    def work(state: shared_corpus.HowFar) -> None:
        told.append(state.told)
        if len(told) < 3:
            make_part(folder, source, Part(len(told) - 1, 2))

    wait_until_finished(str(folder), 1, work)
    assert told == ["its vocabulary is being made", "1 of 2 parts are done"]


def test_waiting_ends_with_a_refusal(tmp_path: Path, source: Source, looked: None) -> None:
    begin_here(tmp_path, source, 2)
    assert refusal(tmp_path, minutes=0.001) == (
        f"corpus.prepared: the corpus at {tmp_path} is not finished after 0.001 minutes: "
        "its vocabulary is being made; look after its `berth prepare`"
    )


def test_who_waits_can_be_stopped(looked: None) -> None:
    def stop() -> None:
        raise Interrupted("stopped")

    with pytest.raises(Interrupted):
        wait(lambda: False, 60, stop)


def adopted(folder: Path, uri: Path) -> dict[str, bytes]:
    adopt(str(uri), str(folder / "vocab"), str(folder / "corpus"))
    return files(folder)


def test_a_run_keeps_vocabulary_and_manifest_and_reads_the_shards_where_they_are(
    tmp_path: Path, source: Source
) -> None:
    made = make(tmp_path / "wiki", source)
    copied = adopted(tmp_path / "run", tmp_path / "wiki")
    assert sorted(copied) == ["corpus/corpus.json", "vocab/vocab.json", "vocab/vocab.txt"]
    corpus = Corpus(str(tmp_path / "run/corpus"), "train")
    assert corpus.manifest.shards == made.shards
    assert len(corpus) == made.totals["train"].documents
    assert corpus.document(5).tokens.size > 0


def test_a_corpus_may_move_but_not_become_another(tmp_path: Path, source: Source) -> None:
    make(tmp_path / "wiki", source)
    before = adopted(tmp_path / "run", tmp_path / "wiki")
    (tmp_path / "wiki").rename(tmp_path / "moved")
    after = adopted(tmp_path / "run", tmp_path / "moved")
    assert after.keys() == before.keys()
    assert len(Corpus(str(tmp_path / "run/corpus"), "train")) > 0
    make(tmp_path / "other", write_text(tmp_path, documents=390))
    with pytest.raises(
        ConfigError, match=r"the corpus at .*other is not the one that .*run/corpus was begun with; give"
    ):
        adopted(tmp_path / "run", tmp_path / "other")
    assert files(tmp_path / "run") == after


def test_the_tokenizer_is_the_one_that_the_corpus_was_made_with(tmp_path: Path) -> None:
    vocab.save([*vocab.SPECIAL_PIECES, "The", "the"], str(tmp_path / "given.txt"))
    for lowercase, piece in ((True, "the"), (False, "The")):
        folder, given = str(tmp_path / f"vocab-{piece}"), str(tmp_path / "given.txt")
        settings = Vocab(path=given, lowercase=lowercase)
        prepare_vocab(settings, given, None, None, folder)
        assert load_tokenizer(folder).encode("The").tokens == [piece]


def test_a_finished_corpus_is_finished(tmp_path: Path, source: Source) -> None:
    make(tmp_path, source)
    assert how_far(str(tmp_path)).finished
