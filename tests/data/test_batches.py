from collections.abc import Callable
from itertools import chain

import numpy as np
import pytest

from trainer.config.schema import Pretrain
from trainer.data.batches import PretrainSamples, Sample
from trainer.data.corpus import Corpus
from trainer.data.vocab import SpecialIds

VOCAB_SIZE = 1 << 20
SETTINGS = Pretrain(batch_size=24, max_length=32, max_predictions=4)


@pytest.fixture
def corpus(numbered_corpus: Callable[..., Corpus]) -> Corpus:
    return numbered_corpus([[3, 9, 4, 8, 2, 7] * 4, [6] * 30, [5], [11, 12]] * 5, documents_per_shard=7)


@pytest.fixture
def samples(corpus: Corpus, special: SpecialIds) -> PretrainSamples:
    return PretrainSamples(corpus, SETTINGS, special, VOCAB_SIZE, seed=1)


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
        assert list(chain.from_iterable(parts)) == whole


def test_a_batch_does_not_depend_on_what_was_asked_before(
    samples: PretrainSamples, corpus: Corpus, special: SpecialIds
) -> None:
    forward = [plain(samples.samples(step, 0, 1)) for step in range(5)]
    again = PretrainSamples(corpus, SETTINGS, special, VOCAB_SIZE, seed=1)
    assert [plain(again.samples(step, 0, 1)) for step in reversed(range(5))] == forward[::-1]


def test_another_seed_is_another_batch(samples: PretrainSamples, corpus: Corpus, special: SpecialIds) -> None:
    other = PretrainSamples(corpus, SETTINGS, special, VOCAB_SIZE, seed=2)
    assert plain(other.samples(0, 0, 1)) != plain(samples.samples(0, 0, 1))


def test_an_epoch_has_the_text_of_each_chunk_once_and_every_epoch_masks_anew(
    corpus: Corpus, special: SpecialIds
) -> None:
    settings = Pretrain(batch_size=1, max_length=32, next_sentence_prediction=False, short_sequence_probability=0)
    samples = PretrainSamples(corpus, settings, special, VOCAB_SIZE, seed=1)
    epochs = [[samples.samples(e * len(samples) + step, 0, 1)[0] for step in range(len(samples))] for e in range(2)]
    whole_text = list(range(5, 5 + sum(corpus.document(number).tokens.size for number in range(len(corpus)))))
    texts = [sorted(map(unmasked, epoch), key=lambda ids: ids[1]) for epoch in epochs]
    assert [token for ids in texts[0] for token in ids[1:-1]] == whole_text
    assert texts[0] == texts[1]
    first, second = (sorted(map(str, plain(epoch))) for epoch in epochs)
    assert first != second


def test_a_batch_may_be_larger_than_an_epoch(corpus: Corpus, special: SpecialIds) -> None:
    settings = SETTINGS.model_copy(update={"batch_size": 500})
    assert len(PretrainSamples(corpus, settings, special, VOCAB_SIZE, seed=1).samples(3, 0, 1)) == 500


def test_a_sample_has_the_types_that_a_batch_is_packed_from(samples: PretrainSamples) -> None:
    for sample in samples.samples(0, 0, 1):
        assert sample.input_ids.dtype == sample.masked_positions.dtype == sample.labels.dtype == np.int32
        assert sample.token_type_ids.dtype == np.uint8
        assert sample.input_ids.size == sample.token_type_ids.size <= 32
        assert 1 <= sample.masked_positions.size == sample.labels.size <= 4
        assert sample.next_sentence_label in {0, 1}


def test_the_evaluation_is_every_chunk_once_and_always_the_same(samples: PretrainSamples) -> None:
    whole = plain(list(samples.evaluation(0, 1)))
    assert len(whole) == len(samples)
    shared = [plain(list(samples.evaluation(rank, 3))) for rank in range(3)]
    assert list(chain.from_iterable(shared)) == whole


def test_a_split_without_documents_has_nothing_to_evaluate(
    numbered_corpus: Callable[..., Corpus], special: SpecialIds
) -> None:
    samples = PretrainSamples(numbered_corpus([]), SETTINGS, special, VOCAB_SIZE, seed=1)
    assert len(samples) == 0
    assert list(samples.evaluation(0, 1)) == []
