from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from trainer.config.schema import Pretrain
from trainer.data.corpus import Corpus
from trainer.data.drawn_instances import DrawnInstances
from trainer.data.masking import Masking
from trainer.data.randomness import generator, uniforms
from trainer.data.vocab import SpecialIds

WriteCorpus = Callable[..., Corpus]
SETTINGS = Pretrain(max_length=32, short_sequence_probability=0, next_sentence_prediction=False)


def drawn(corpus: Corpus, special: SpecialIds, settings: Pretrain = SETTINGS) -> DrawnInstances:
    return DrawnInstances(corpus, settings, special, Masking(special, np.zeros(1 << 20, np.bool_), settings))


def draws(count: int) -> NDArray[np.float64]:
    """The first draws of so many instances."""
    return uniforms(0, np.zeros(count, np.int64), np.arange(count), 3)


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
        sample = drawn(corpus, special).sample(number, draws(1)[0], generator(0, number))
        ids = sample.input_ids.copy()
        ids[sample.masked_positions] = sample.labels
        firsts.append(int(ids[1]))
    assert firsts == [5, 35, 55, 66, 96]


@pytest.mark.parametrize("pairs", [False, True])
def test_the_foreseen_lengths_are_those_of_the_instances(
    numbered_corpus: WriteCorpus, special: SpecialIds, pairs: bool
) -> None:
    """Of sentences of one token, none is cut; the random Bs find enough but at the ends of their documents."""
    corpus = numbered_corpus([[1] * 3000, [1] * 3011, [1] * 3007])
    settings = SETTINGS.model_copy(update={"next_sentence_prediction": pairs, "short_sequence_probability": 0.3})
    instances = drawn(corpus, special, settings)
    numbers = np.arange(len(instances))
    first = draws(len(instances))
    special_pieces = 3 if pairs else 2
    made = [instances.sample(number, first[number], generator(0, number)).input_ids.size for number in numbers.tolist()]
    missed = instances.lengths(numbers, first) + special_pieces != made
    assert len(set(made)) > 20
    assert missed.mean() <= 0.01 * pairs


def test_a_sentence_on_its_own_is_foreseen_to_get_a_random_partner(
    numbered_corpus: WriteCorpus, special: SpecialIds
) -> None:
    instances = drawn(
        numbered_corpus([[5]] * 100), special, SETTINGS.model_copy(update={"next_sentence_prediction": True})
    )
    assert set(instances.lengths(np.arange(100), draws(100)).tolist()) == {29}
