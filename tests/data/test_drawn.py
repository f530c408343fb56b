from collections.abc import Callable

import numpy as np
import pytest

from trainer.config.schema import Pretrain
from trainer.data.corpus import Corpus
from trainer.data.drawn import DrawnInstances
from trainer.data.masking import Masking
from trainer.data.randomness import generator
from trainer.data.vocab import SpecialIds

WriteCorpus = Callable[..., Corpus]
SETTINGS = Pretrain(max_length=32, short_sequence_probability=0, next_sentence_prediction=False)


def drawn(corpus: Corpus, special: SpecialIds) -> DrawnInstances:
    return DrawnInstances(corpus, SETTINGS, special, Masking(special, np.zeros(1 << 20, np.bool_), SETTINGS))


@pytest.mark.parametrize(
    ("weights", "counts"), [((1,), [5]), ((1, 2), [1, 4]), ((1, 2, 1), [1, 2, 2]), ((1,) * 4, [1, 2, 2, 0])]
)
def test_each_source_has_the_chunks_of_its_shards(
    numbered_corpus: WriteCorpus, special: SpecialIds, weights: tuple[float, ...], counts: list[int]
) -> None:
    """Three shards, of 1, 2 and 2 chunks of up to 30 tokens; a source without a shard had no text for this split."""
    corpus = numbered_corpus([[30], [20, 11], [30, 30]], documents_per_shard=1, weights=weights)
    instances = drawn(corpus, special)
    assert instances.counts == counts
    assert len(instances) == 5


def test_instances_are_numbered_in_the_order_of_the_text(numbered_corpus: WriteCorpus, special: SpecialIds) -> None:
    corpus = numbered_corpus([[30], [20, 11], [30, 30]], documents_per_shard=1)
    firsts: list[int] = []
    for number in range(5):
        sample = drawn(corpus, special).sample(number, generator(0, number))
        ids = sample.input_ids.copy()
        ids[sample.masked_positions] = sample.labels
        firsts.append(int(ids[1]))
    assert firsts == [5, 35, 55, 66, 96]


def test_the_lengths_are_those_of_the_chunks_which_one_text_of_full_length_has(
    numbered_corpus: WriteCorpus, special: SpecialIds
) -> None:
    corpus = numbered_corpus([[30], [20, 11], [30, 25, 3]], documents_per_shard=1)
    instances = drawn(corpus, special)
    made = [instances.sample(number, generator(0, number)).input_ids.size - 2 for number in range(len(instances))]
    assert instances.lengths(np.arange(len(instances))).tolist() == made == [30, 20, 11, 30, 28]
