from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.config.schema import Corpus, TextSource
from trainer.data import cutting
from trainer.data.cutting import ShardText, cut, is_held_out


def corpus(documents_per_shard: int, held_out: float = 0) -> Corpus:
    return Corpus(sources=(TextSource(path="t"),), documents_per_shard=documents_per_shard, held_out=held_out)


def every(_shard: int) -> bool:
    return True


def of_train(texts: list[ShardText]) -> list[list[str]]:
    return [text.documents for text in texts if text.split == "train"]


def test_a_shard_has_so_many_documents() -> None:
    texts = list(cut("abcde", corpus(2), every))
    assert [text.name for text in texts] == ["train-00000.arrow", "train-00001.arrow", "train-00002.arrow"]
    assert of_train(texts) == [["a", "b"], ["c", "d"], ["e"]]


def test_a_shard_ends_early_where_documents_are_whole_books(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "_SHARD_CHARACTERS", 5)
    assert of_train(list(cut(["abc", "de", "f"], corpus(100), every))) == [["abc", "de"], ["f"]]


def test_splits_are_cut_by_themselves_and_keep_the_order() -> None:
    documents = [str(number) for number in range(1000)]
    texts = list(cut(documents, corpus(30, held_out=0.1), every))
    for split, wanted in (("train", False), ("held_out", True)):
        found = [document for text in texts if text.split == split for document in text.documents]
        assert found == [document for document in documents if is_held_out(int(document), 0.1) == wanted]


@pytest.mark.parametrize("wanted", [lambda shard: shard % 2 == 1, lambda shard: False])
def test_what_is_wanted_does_not_move_a_cut(wanted: Callable[[int], bool]) -> None:
    documents = [str(number) for number in range(1000)]
    whole = list(cut(documents, corpus(30, held_out=0.1), every))
    some = list(cut(documents, corpus(30, held_out=0.1), wanted))
    assert [(text.name, text.count, text.sha256) for text in some] == [
        (text.name, text.count, text.sha256) for text in whole
    ]
    for text, same in zip(some, whole, strict=True):
        assert text.documents == (same.documents if wanted(text.number) else [])


@given(st.lists(st.text(max_size=3), max_size=5), st.lists(st.text(max_size=3), max_size=5))
def test_a_shard_of_other_documents_has_another_sha256(one: list[str], two: list[str]) -> None:
    texts = [[text.sha256 for text in cut(documents, corpus(100), every)] for documents in (one, two)]
    assert (texts[0] == texts[1]) == (one == two)


def test_the_share_of_held_out_documents_is_as_asked_for() -> None:
    for share in (0.005, 0.1, 0.5):
        number = sum(is_held_out(number, share) for number in range(100_000))
        assert number == pytest.approx(100_000 * share, rel=0.1)
    assert not any(is_held_out(number, 0) for number in range(1000))
