"""step -> the numbers of its samples, with no state: the order of an epoch is a permutation *function*.

The cursor of the data is one integer, so seeking is free, a resumed run continues at the very next sample, and ranks
share a batch by slicing it, whatever their number. Cost: a shuffle by arithmetic, under 1 ms for a batch of 256.
"""

import numpy as np
from numpy.typing import NDArray

from trainer.data.randomness import generator

_ROUNDS = 8


class Permutation:
    """A pseudo-random permutation of range(size), another one for every seed and epoch.

    A balanced Feistel network (Luby & Rackoff 1988) permutes the smallest 2^2k that holds `size`; numbers that fall
    outside are sent through again until they fall inside ("cycle walking", Black & Rogaway 2002), at most 4 times on
    average.
    """

    def __init__(self, size: int, seed: int, epoch: int) -> None:
        assert size > 0
        self._size = size
        self._half_bits = np.uint64(((size - 1).bit_length() + 1) // 2)
        self._half_mask = np.uint64((1 << int(self._half_bits)) - 1)
        self._round_keys = generator(seed, epoch).integers(2**64, size=_ROUNDS, dtype=np.uint64)

    def __call__(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where `numbers`, each in range(size), come to stand."""
        permuted = self._network(numbers.astype(np.uint64))
        outside = permuted >= self._size
        while outside.any():
            permuted[outside] = self._network(permuted[outside])
            outside = permuted >= self._size
        return permuted.astype(np.int64)

    def _network(self, numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
        left, right = numbers >> self._half_bits, numbers & self._half_mask
        for key in self._round_keys:
            left, right = right, left ^ (_mixed(right ^ key) & self._half_mask)
        return left << self._half_bits | right


def sample_ids(step: int, batch_size: int, size: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The samples of a step: their epochs (B,) and their numbers (B,) in range(size).

    Samples are counted through all steps and epochs. In each epoch every number comes exactly once; a batch may reach
    over the end of one.
    """
    epochs, places = np.divmod(step * batch_size + np.arange(batch_size, dtype=np.int64), size)
    ids = np.empty_like(places)
    for epoch in np.unique(epochs):
        inside = epochs == epoch
        ids[inside] = Permutation(size, seed, int(epoch))(places[inside])
    return epochs, ids


def rank_slice(batch_size: int, rank: int, world_size: int) -> slice:
    """The part of a batch that a rank works on: contiguous, and no two ranks' sizes differ by more than one."""
    return slice(batch_size * rank // world_size, batch_size * (rank + 1) // world_size)


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of SplitMix64 (Steele, Lea & Flood 2014): every bit depends on every bit."""
    numbers = (numbers ^ numbers >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ numbers >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return numbers ^ numbers >> np.uint64(31)
