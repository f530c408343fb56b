from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.config.corpus import Corpus, Source
from trainer.data import cutting
from trainer.data.cutting import ShardText, cut, is_held_out


def corpus(documents_per_shard: int, held_out: float = 0) -> Corpus:
    return Corpus(sources=(Source(path="t"),), documents_per_shard=documents_per_shard, held_out=held_out)


def every(_shard: int) -> bool:
    return True


def of_one_source(documents: Iterable[str]) -> Iterable[tuple[int, str]]:
    return ((0, document) for document in documents)


def of_train(texts: list[ShardText]) -> list[list[str]]:
    return [text.documents for text in texts if text.place.split == "train"]


def test_a_shard_has_so_many_documents() -> None:
    texts = list(cut(of_one_source("abcde"), corpus(2), every))
    assert [text.place.name for text in texts] == ["train-00000.arrow", "train-00001.arrow", "train-00002.arrow"]
    assert of_train(texts) == [["a", "b"], ["c", "d"], ["e"]]


def test_a_shard_ends_early_where_documents_are_whole_books(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "_SHARD_CHARACTERS", 5)
    assert of_train(list(cut(of_one_source(["abc", "de", "f"]), corpus(100), every))) == [["abc", "de"], ["f"]]


def test_splits_are_cut_by_themselves_and_keep_the_order() -> None:
    documents = [str(number) for number in range(1000)]
    texts = list(cut(of_one_source(documents), corpus(30, held_out=0.1), every))
    for split, wanted in (("train", False), ("held_out", True)):
        found = [document for text in texts if text.place.split == split for document in text.documents]
        assert found == [document for document in documents if is_held_out(int(document), 0.1) == wanted]


@pytest.mark.parametrize("wanted", [lambda shard: shard % 2 == 1, lambda shard: False])
def test_what_is_wanted_does_not_move_a_cut(wanted: Callable[[int], bool]) -> None:
    documents = [str(number) for number in range(1000)]
    whole = list(cut(of_one_source(documents), corpus(30, held_out=0.1), every))
    some = list(cut(of_one_source(documents), corpus(30, held_out=0.1), wanted))
    assert [(text.place.name, text.count, text.sha256) for text in some] == [
        (text.place.name, text.count, text.sha256) for text in whole
    ]
    for text, same in zip(some, whole, strict=True):
        assert text.documents == (same.documents if wanted(text.place.number) else [])


@given(st.lists(st.text(max_size=3), max_size=5), st.lists(st.text(max_size=3), max_size=5))
def test_a_shard_of_other_documents_has_another_sha256(one: list[str], two: list[str]) -> None:
    texts = [[text.sha256 for text in cut(of_one_source(documents), corpus(100), every)] for documents in (one, two)]
    assert (texts[0] == texts[1]) == (one == two)


def test_a_shard_holds_documents_of_one_source() -> None:
    documents = [(0, "a"), (0, "b"), (0, "c"), (1, "d"), (2, "e"), (2, "f")]
    texts = list(cut(documents, corpus(2), every))
    assert [(text.place.number, text.place.source, text.documents) for text in texts] == [
        (0, 0, ["a", "b"]),
        (1, 0, ["c"]),
        (2, 1, ["d"]),
        (3, 2, ["e", "f"]),
    ]


def test_what_is_left_out_does_not_move_a_cut_but_makes_another_sha256() -> None:
    whole = list(cut(of_one_source("abcde"), corpus(2), every))
    some = list(cut(of_one_source("abcde"), corpus(2), every, {1: "duplicate", 2: "near_duplicate"}.get))
    assert of_train(some) == [["a"], ["d"], ["e"]]
    assert [text.left_out for text in some] == [{"duplicate": 1}, {"near_duplicate": 1}, {}]
    assert [text.count for text in some] == [text.count for text in whole]
    assert [a.sha256 == b.sha256 for a, b in zip(some, whole, strict=True)] == [False, False, True]


def test_the_share_of_held_out_documents_is_as_asked_for() -> None:
    for share in (0.005, 0.1, 0.5):
        number = sum(is_held_out(number, share) for number in range(100_000))
        assert number == pytest.approx(100_000 * share, rel=0.1)
    assert not any(is_held_out(number, 0) for number in range(1000))
