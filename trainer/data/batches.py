"""(step, rank, world size) -> samples. Batch n is a function of (data, seed, n).

Every random draw is a function of (seed, how often the instance was seen, its number), so it matters neither which
rank makes a sample nor what was made before it: batches are the same at any world size, and step 10 million costs what
step 0 does.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from trainer.data.order import Order, rank_slice, ranks_of
from trainer.data.randomness import generator, uniforms


class Sample(NamedTuple):
    """One masked instance of L tokens with P predictions."""

    input_ids: NDArray[np.int32]
    """(L,)"""
    token_type_ids: NDArray[np.uint8]
    """(L,)"""
    masked_positions: NDArray[np.int32]
    """(P,) rising"""
    labels: NDArray[np.int32]
    """(P,) the true ids at the masked positions"""
    next_sentence_label: int | None
    """1: the second part is random. None without next-sentence prediction."""


class Instances(Protocol):
    """The instances of one split, whether they are drawn from documents or were made elsewhere."""

    counts: list[int]
    """How many there are of each source of the corpus; they are numbered through all sources."""

    def lengths(self, numbers: NDArray[np.int64], draws: NDArray[np.float64]) -> NDArray[np.int64]:
        """About how many tokens each of the instances `numbers` has, without making it, by its first draws (N, 3)."""
        ...

    def sample(self, number: int, draws: NDArray[np.float64], rng: np.random.Generator) -> Sample:
        """Instance `number` with masks; a function of the number, its first draws (3,) and what the generator draws."""
        ...


class PretrainSamples:
    """The samples of one split."""

    def __init__(self, instances: Instances, weights: Sequence[float], batch_size: int, seed: int) -> None:
        """Put the instances in order.

        Args:
            instances: of the split.
            weights: of each source: how often an epoch goes through it.
            batch_size: samples of one optimizer step, over all ranks.
            seed: of order, instances and masks. Stages with one seed and one length see the same batches.
        """
        self._instances = instances
        self._batch_size = batch_size
        self._seed = seed
        self._order = Order(instances.counts, weights, seed)

    def __len__(self) -> int:
        """Samples in an epoch."""
        return len(self._order)

    def samples(self, step: int, rank: int, world_size: int) -> list[Sample]:
        """The rank's part of the batch of step `step`, counted from 0: all ranks have about as many tokens."""
        before = step * self._batch_size
        rounds, numbers = self._order(before, before + self._batch_size)
        draws = self._draws(rounds, numbers)
        if world_size > 1:
            mine = ranks_of(self._instances.lengths(numbers, draws), world_size) == rank
            rounds, numbers, draws = rounds[mine], numbers[mine], draws[mine]
        return [self._sample(*place) for place in zip(rounds.tolist(), numbers.tolist(), draws, strict=True)]

    def evaluation(self, rank: int, world_size: int) -> Iterator[Sample]:
        """The rank's part of all instances, whatever their weights: each once and in order, always the same masks."""
        part = rank_slice(sum(self._instances.counts), rank, world_size)
        numbers = np.arange(part.start, part.stop)
        draws = self._draws(np.zeros_like(numbers), numbers)
        return (self._sample(0, *place) for place in zip(numbers.tolist(), draws, strict=True))

    def _draws(self, rounds: NDArray[np.int64], numbers: NDArray[np.int64]) -> NDArray[np.float64]:
        return uniforms(self._seed, rounds, numbers, 3)

    def _sample(self, seen: int, number: int, draws: NDArray[np.float64]) -> Sample:
        return self._instances.sample(number, draws, generator(self._seed, seen, number))
