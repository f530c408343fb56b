"""Randomness that is addressed, not streamed: a generator for a place, so that no draw depends on an earlier one."""

from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray

_GAMMA = np.uint64(0x9E3779B97F4A7C15)


class _Key(ISeedSequence):
    """Hands Philox its key. Where it is given as `key=`, numpy asks the system for entropy first, which takes 8 us."""

    def __init__(self, *words: int) -> None:
        self._words = np.array(words, np.uint64)

    def generate_state(self, n_words: int, dtype: Any = np.uint64) -> NDArray[np.uint64]:  # noqa: ARG002 - numpy's
        return self._words


def generator(seed: int, *address: int) -> np.random.Generator:
    """The generator of a place, say (epoch,) or (epoch, sample); addresses, also of other lengths, share no draw.

    Philox (Salmon et al. 2011) is a function of key and counter, so making one costs 3 us and no warm-up. The lowest
    word of the counter, 2^64 draws, is left to the generator.
    """
    key: Any = _Key(seed % 2**64, len(address))
    counter = np.array([0] * (4 - len(address)) + [*address], np.uint64)
    return np.random.Generator(np.random.Philox(key, counter=counter))


def uniforms(seed: int, rounds: NDArray[np.int64], numbers: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """`count` numbers of [0, 1) for each of many places at once; a generator for each would take 3 us a place.

    SplitMix64 (Steele, Lea & Flood 2014), begun at a hash of the place.

    Args:
        seed: another one gives other numbers.
        rounds: (N,)
        numbers: (N,) A place is (seed, round, number).
        count: for a place.

    Returns:
        (N, count)
    """
    words = np.zeros(1, np.uint64)
    for part in (np.array([seed % 2**64], np.uint64), rounds, numbers):
        words = mixed((words ^ part.astype(np.uint64)) + _GAMMA)
    steps = np.arange(1, count + 1, dtype=np.uint64) * _GAMMA
    return (mixed(words[:, None] + steps) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of SplitMix64 (Steele, Lea & Flood 2014): every bit depends on every bit."""
    numbers = (numbers ^ numbers >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ numbers >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return numbers ^ numbers >> np.uint64(31)
