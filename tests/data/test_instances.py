from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trainer.config.schema import Pretrain
from trainer.data.chunks import Chunk
from trainer.data.corpus import Corpus
from trainer.data.instances import Instance, draw_instance, kept_lengths, truncated
from trainer.data.randomness import generator, uniforms
from trainer.data.vocab import SpecialIds

WriteCorpus = Callable[..., Corpus]

PAIRS = Pretrain(max_length=64, short_sequence_probability=0)
ALONE = Pretrain(max_length=64, short_sequence_probability=0, next_sentence_prediction=False)
FULL = Chunk(1, 2, 8)
"""Six sentences of ten tokens, of the second document of `ten_by_ten`."""


@pytest.fixture
def ten_by_ten(numbered_corpus: WriteCorpus) -> Corpus:
    """Ten documents of ten sentences of ten tokens; document d has the tokens 5 + 100 d and on."""
    return numbered_corpus([[10] * 10] * 10)


def draws(number: int) -> NDArray[np.float64]:
    """The first draws of an instance."""
    return uniforms(0, np.zeros(1, np.int64), np.array([number]), 3)[0]


@pytest.fixture
def instance(ten_by_ten: Corpus, special: SpecialIds) -> Callable[..., Instance]:
    def draw(number: int, settings: Pretrain = PAIRS, chunk: Chunk = FULL, corpus: Corpus = ten_by_ten) -> Instance:
        return draw_instance(corpus, chunk, settings, special, draws(number), generator(0, number))

    return draw


Draw = Callable[..., Instance]


def parts(instance: Instance, special: SpecialIds) -> tuple[list[int], list[int]]:
    """A and B, without the special pieces."""
    ids = instance.input_ids.tolist()
    separator = ids.index(special.sep)
    assert (ids[0], ids[-1]) == (special.cls, special.sep)
    assert instance.token_type_ids.tolist() == [0] * (separator + 1) + [1] * (len(ids) - separator - 1)
    return ids[1:separator], ids[separator + 1 : -1]


def test_what_follows_follows_and_what_is_random_is_of_another_document(instance: Draw, special: SpecialIds) -> None:
    for number in range(300):
        drawn = instance(number)
        a, b = parts(drawn, special)
        assert a == list(range(a[0], a[0] + len(a)))
        assert b == list(range(b[0], b[0] + len(b)))
        if drawn.next_sentence_label == 0:
            assert a + b == list(range(125, 185))
        else:
            assert {(token - 5) // 100 for token in a} == {1}
            assert {(token - 5) // 100 for token in b} & {1} == set()


def test_half_the_pairs_are_random_and_every_other_document_gives_partners(instance: Draw, special: SpecialIds) -> None:
    drawn = [instance(number) for number in range(5000)]
    labels = [each.next_sentence_label for each in drawn]
    assert np.mean(labels) == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(5000))
    partners = {(parts(each, special)[1][0] - 5) // 100 for each in drawn if each.next_sentence_label == 1}
    assert partners == set(range(10)) - {1}


def test_a_pair_may_part_at_every_sentence(instance: Draw, special: SpecialIds) -> None:
    drawn = [instance(number) for number in range(300)]
    assert {len(parts(each, special)[0]) for each in drawn if each.next_sentence_label == 0} == {10, 20, 30, 40, 50}


def test_a_random_b_fills_the_instance_where_its_document_has_enough(instance: Draw) -> None:
    sizes = [instance(number).input_ids.size for number in range(300)]
    assert max(sizes) == 64
    assert sum(size < 63 for size in sizes) < 150


def test_a_single_sentence_gets_a_random_partner(instance: Draw) -> None:
    assert {instance(number, chunk=Chunk(1, 2, 3)).next_sentence_label for number in range(50)} == {1}


def test_without_next_sentence_prediction_an_instance_is_the_chunk(instance: Draw, special: SpecialIds) -> None:
    drawn = instance(0, settings=ALONE)
    assert drawn.input_ids.tolist() == [special.cls, *range(125, 185), special.sep]
    assert drawn.token_type_ids.tolist() == [0] * 62
    assert drawn.next_sentence_label is None


def test_short_sequences_are_as_frequent_as_asked_for(instance: Draw) -> None:
    often = ALONE.model_copy(update={"short_sequence_probability": 0.5})
    sizes = np.array([instance(number, settings=often).input_ids.size - 2 for number in range(2000)])
    assert set(sizes.tolist()) == {10, 20, 30, 40, 50, 60}
    # A random length of 2 to 62 leaves the chunk whole in 12 of 61 cases.
    assert (sizes < 60).mean() == pytest.approx(0.5 * 49 / 61, abs=0.05)


def test_one_sequence_in_ten_is_short_and_its_length_is_uniform(numbered_corpus: WriteCorpus, instance: Draw) -> None:
    settings = ALONE.model_copy(update={"short_sequence_probability": 0.1})
    corpus = numbered_corpus([[1] * 62])
    draws = 20_000
    sizes = np.array(
        [instance(number, settings, Chunk(0, 0, 62), corpus).input_ids.size - 2 for number in range(draws)]
    )
    counts = np.bincount(sizes, minlength=63)
    assert counts[:2].sum() == 0
    expected = 0.1 * draws / 61  # 2 to 62 tokens; those of 62 are not to be told from the others
    assert counts[2:62].sum() == pytest.approx(60 * expected, abs=4 * np.sqrt(draws * 0.1 * 0.9))
    chi_square = ((counts[2:62] - expected) ** 2 / expected).sum()
    assert chi_square < 60 + 5 * np.sqrt(2 * 60)


def test_a_random_b_begins_at_any_sentence_of_any_other_document(
    numbered_corpus: WriteCorpus, instance: Draw, special: SpecialIds
) -> None:
    corpus = numbered_corpus([[10] * 6, [1] * 4, [1] * 8, [1] * 2])  # too short to be cut
    draws = 8000
    firsts = [
        parts(instance(number, chunk=Chunk(0, 0, 1), corpus=corpus), special)[1][0] - 65 for number in range(draws)
    ]
    counts = np.bincount(firsts, minlength=14)
    expected = draws / 3 / np.repeat([4, 8, 2], [4, 8, 2])
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert chi_square < 13 + 5 * np.sqrt(2 * 13)


def test_a_sentence_that_is_too_long_is_cut_at_both_ends(numbered_corpus: WriteCorpus, instance: Draw) -> None:
    corpus = numbered_corpus([[102]])
    cut = [
        int(instance(number, ALONE, Chunk(0, 0, 1), corpus).input_ids[1]) - 5 for number in range(2000)
    ]  # of the 40 tokens that go, those in front
    assert np.mean(cut) == pytest.approx(20, abs=4 * np.sqrt(10 / 2000))
    assert np.var(cut) == pytest.approx(10, rel=0.2)


def test_a_corpus_of_one_document_gives_pairs_too(numbered_corpus: WriteCorpus, instance: Draw) -> None:
    corpus = numbered_corpus([[10] * 10])
    assert {instance(number, chunk=Chunk(0, 2, 8), corpus=corpus).next_sentence_label for number in range(50)} == {0, 1}


@given(
    documents=st.lists(st.lists(st.integers(1, 120), min_size=1, max_size=6), min_size=1, max_size=4),
    max_length=st.integers(16, 128),
    data=st.data(),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_an_instance_is_never_longer_than_asked_for(
    numbered_corpus: WriteCorpus,
    special: SpecialIds,
    documents: list[list[int]],
    max_length: int,
    data: st.DataObject,
) -> None:
    corpus = numbered_corpus(documents)
    pairs = data.draw(st.booleans())
    document = data.draw(st.integers(0, len(documents) - 1))
    first = data.draw(st.integers(0, len(documents[document]) - 1))
    end = data.draw(st.integers(first + 1, len(documents[document])))
    settings = Pretrain(max_length=max_length, next_sentence_prediction=pairs, short_sequence_probability=0.5)
    drawn = draw_instance(corpus, Chunk(document, first, end), settings, special, draws(0), generator(0))
    assert 3 <= drawn.input_ids.size <= max_length
    assert drawn.token_type_ids.size == drawn.input_ids.size
    if pairs:
        assert all(parts(drawn, special))


@given(a=st.integers(0, 600), b=st.integers(0, 600), total=st.integers(1, 600))
def test_the_longer_part_is_cut_first(a: int, b: int, total: int) -> None:
    kept = kept_lengths(a, b, total)
    while a + b > total:
        a, b = (a - 1, b) if a > b else (a, b - 1)
    assert kept == (a, b)


def test_tokens_are_cut_from_front_and_back_alike() -> None:
    tokens = np.arange(100, dtype=np.int32)
    fronts = [int(truncated(tokens, 60, generator(0, number))[0]) for number in range(2000)]
    assert all(truncated(tokens, 60, generator(0, number)).size == 60 for number in range(20))
    assert np.mean(fronts) == pytest.approx(20, abs=4 * np.sqrt(10 / 2000))
    assert np.var(fronts) == pytest.approx(10, rel=0.2)
    assert np.array_equal(truncated(tokens, 100, generator(0)), tokens)
