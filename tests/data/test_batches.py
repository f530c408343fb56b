from collections.abc import Callable
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from numpy.typing import NDArray

from trainer.config.schema import Pretrain
from trainer.data.batches import PretrainSamples, Sample
from trainer.data.corpus import Corpus
from trainer.data.drawn_instances import DrawnInstances
from trainer.data.masking import Masking
from trainer.data.vocab import SpecialIds

VOCAB_SIZE = 1 << 20
SETTINGS = Pretrain(batch_size=24, max_length=32, max_predictions=4)


@pytest.fixture
def corpus(numbered_corpus: Callable[..., Corpus]) -> Corpus:
    return numbered_corpus([[3, 9, 4, 8, 2, 7] * 4, [6] * 30, [5], [11, 12]] * 5, documents_per_shard=7)


def drawn(corpus: Corpus, special: SpecialIds, seed: int = 1, settings: Pretrain = SETTINGS) -> PretrainSamples:
    masking = Masking(special, np.zeros(VOCAB_SIZE, np.bool_), settings)
    instances = DrawnInstances(corpus, settings, special, masking)
    return PretrainSamples(instances, corpus.manifest.weights, settings.batch_size, seed)


@pytest.fixture
def samples(corpus: Corpus, special: SpecialIds) -> PretrainSamples:
    return drawn(corpus, special)


class Numbered:
    """Instances that are their numbers, with one draw each."""

    def __init__(self, *counts: int) -> None:
        self.counts = list(counts)

    def lengths(self, numbers: NDArray[np.int64], draws: NDArray[np.float64]) -> NDArray[np.int64]:
        return numbers % 7 + 1

    def sample(self, number: int, draws: NDArray[np.float64], rng: np.random.Generator) -> Sample:
        drawn = rng.integers(2**31, size=1, dtype=np.int32)
        return Sample(np.array([number], np.int32), np.zeros(1, np.uint8), np.zeros(1, np.int32), drawn, None)


def numbers(batch: list[Sample]) -> list[int]:
    return [int(sample.input_ids[0]) for sample in batch]


def plain(batch: list[Sample]) -> list[tuple[object, ...]]:
    return [tuple(part.tolist() if isinstance(part, np.ndarray) else part for part in sample) for sample in batch]


def unmasked(sample: Sample) -> list[int]:
    ids = sample.input_ids.copy()
    ids[sample.masked_positions] = sample.labels
    return ids.tolist()


@pytest.mark.parametrize("step", [0, 1, 7, 10_000_000])
def test_batches_are_the_same_at_any_world_size(samples: PretrainSamples, step: int) -> None:
    whole = plain(samples.samples(step, 0, 1))
    assert len(whole) == 24
    for world_size in (2, 3, 5, 8, 30):
        parts = [plain(samples.samples(step, rank, world_size)) for rank in range(world_size)]
        assert sorted(chain.from_iterable(parts), key=str) == sorted(whole, key=str)
        assert {len(part) for part in parts} <= {24 // world_size, -(-24 // world_size)}
        for part in parts:
            assert part == [sample for sample in whole if sample in part]  # micro-batches in the batch's random order


@pytest.mark.parametrize("world_size", [1, 2, 3, 8])
@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=3), batch_size=st.integers(1, 100), seed=st.integers())
@examples(max_examples=15)
def test_an_epoch_has_each_instance_once_shared_by_the_ranks(
    world_size: int, sizes: list[int], batch_size: int, seed: int
) -> None:
    samples = PretrainSamples(Numbered(*sizes), [1] * len(sizes), batch_size, seed)
    epochs = 3
    seen: list[int] = []
    for step in range(-(-epochs * len(samples) // batch_size)):
        whole = numbers(samples.samples(step, 0, 1))
        shared = [number for rank in range(world_size) for number in numbers(samples.samples(step, rank, world_size))]
        assert sorted(shared) == sorted(whole)
        seen += whole
    for epoch in range(epochs):
        assert sorted(seen[epoch * len(samples) : (epoch + 1) * len(samples)]) == list(range(sum(sizes)))


def test_an_instance_that_comes_twice_in_an_epoch_is_drawn_anew() -> None:
    samples = PretrainSamples(Numbered(5, 5), [3, 1], 20, seed=0)
    batch = samples.samples(7, 0, 1)
    assert sorted(numbers(batch)) == sorted([0, 1, 2, 3, 4] * 3 + [5, 6, 7, 8, 9])
    assert len({int(sample.labels[0]) for sample in batch}) == 20


def test_a_batch_does_not_depend_on_what_was_asked_before(
    samples: PretrainSamples, corpus: Corpus, special: SpecialIds
) -> None:
    forward = [plain(samples.samples(step, 0, 1)) for step in range(5)]
    again = drawn(corpus, special)
    assert [plain(again.samples(step, 0, 1)) for step in reversed(range(5))] == forward[::-1]


def test_another_seed_is_another_batch(samples: PretrainSamples, corpus: Corpus, special: SpecialIds) -> None:
    other = drawn(corpus, special, seed=2)
    assert plain(other.samples(0, 0, 1)) != plain(samples.samples(0, 0, 1))


def test_an_epoch_has_the_text_of_each_chunk_once_and_every_epoch_masks_anew(
    corpus: Corpus, special: SpecialIds
) -> None:
    settings = Pretrain(batch_size=1, max_length=32, next_sentence_prediction=False, short_sequence_probability=0)
    samples = drawn(corpus, special, settings=settings)
    epochs = [[samples.samples(e * len(samples) + step, 0, 1)[0] for step in range(len(samples))] for e in range(2)]
    whole_text = list(range(5, 5 + sum(corpus.document(number).tokens.size for number in range(len(corpus)))))
    texts = [sorted(map(unmasked, epoch), key=lambda ids: ids[1]) for epoch in epochs]
    assert [token for ids in texts[0] for token in ids[1:-1]] == whole_text
    assert texts[0] == texts[1]
    first, second = (sorted(map(str, plain(epoch))) for epoch in epochs)
    assert first != second


def test_a_batch_may_be_larger_than_an_epoch(corpus: Corpus, special: SpecialIds) -> None:
    settings = SETTINGS.model_copy(update={"batch_size": 500})
    assert len(drawn(corpus, special, settings=settings).samples(3, 0, 1)) == 500


def test_a_sample_has_the_types_that_a_batch_is_packed_from(samples: PretrainSamples) -> None:
    for sample in samples.samples(0, 0, 1):
        assert sample.input_ids.dtype == sample.masked_positions.dtype == sample.labels.dtype == np.int32
        assert sample.token_type_ids.dtype == np.uint8
        assert sample.input_ids.size == sample.token_type_ids.size <= 32
        predictions = min(4, max(1, round(0.15 * sample.input_ids.size)))
        assert sample.masked_positions.size == sample.labels.size == predictions
        assert sample.next_sentence_label in {0, 1}


def test_the_evaluation_is_every_chunk_once_and_always_the_same(samples: PretrainSamples) -> None:
    whole = plain(list(samples.evaluation(0, 1)))
    assert len(whole) == len(samples)
    shared = [plain(list(samples.evaluation(rank, 3))) for rank in range(3)]
    assert list(chain.from_iterable(shared)) == whole


def test_the_evaluation_does_not_go_by_weights() -> None:
    samples = PretrainSamples(Numbered(4, 2), [0.5, 3], 8, seed=0)
    assert numbers(list(samples.evaluation(0, 1))) == [0, 1, 2, 3, 4, 5]


def test_a_split_without_documents_has_nothing_to_evaluate(
    numbered_corpus: Callable[..., Corpus], special: SpecialIds
) -> None:
    samples = drawn(numbered_corpus([]), special)
    assert len(samples) == 0
    assert list(samples.evaluation(0, 1)) == []
