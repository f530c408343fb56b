"""Stretches of an array -> a 64-bit hash of each, in a few passes of numpy.

Two of a billion stretches have one hash by chance with a probability of 3 %, so a count of repeats is right to one.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.data.randomness import mixed

_PLACE, _LENGTH, _RUN = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93), np.uint64(0xA0761D6478BD642F)


def of_stretches(values: NDArray[np.unsignedinteger[Any]], lengths: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The hash of each of the stretches of `lengths` (N,) that `values` (sum of lengths,) is parted into.

    The sum of a hash of each value with its place; sums of all stretches are differences of one running sum.
    """
    ends = np.cumsum(lengths)
    places = np.arange(values.size, dtype=np.uint64) - np.repeat((ends - lengths).astype(np.uint64), lengths)
    sums = np.zeros(values.size + 1, np.uint64)
    np.cumsum(mixed(values.astype(np.uint64) + places * _PLACE), out=sums[1:])
    return mixed((sums[ends] - sums[ends - lengths]) ^ lengths.astype(np.uint64) * _LENGTH)


def of_runs(values: NDArray[np.unsignedinteger[Any]], length: int) -> NDArray[np.uint64]:
    """The hash of each run of `length` values: (values.size - length + 1,)."""
    count = max(values.size - length + 1, 0)
    runs = np.zeros(count, np.uint64)
    for start in range(length):
        runs = runs * _RUN + values[start : start + count]
    return mixed(runs)


def repeated(hashes: list[NDArray[np.uint64]]) -> float:
    """The share of the hashes that came before; sorts them all, in 8 bytes each."""
    together = np.concatenate([np.empty(0, np.uint64), *hashes])
    if not together.size:
        return 0.0
    together.sort()
    return float((together[1:] == together[:-1]).sum() / together.size)
