"""Which of many documents are like a new one, by bands of MinHashes (locality-sensitive hashing; Leskovec, Rajaraman &
Ullman, Mining of Massive Datasets, chapter 3), in 0.8 kB a document.

The MinHashes are parted into bands of r. Two documents of similarity J agree in a band with probability J^r, so in at
least one of b bands with 1 - (1 - J^r)^b. Who agrees in a band is looked up, and kept if enough MinHashes agree. This
is MinHashLSH of the library datasketch in arrays: there it takes 6 kB a document, 39 GB for English Wikipedia, and a
second to load, in every process.
"""

import numpy as np
from numpy.typing import NDArray

_FOUND = 0.98
"""Of pairs just as similar as asked for, the share that is to meet in some band."""
_NOBODY = -1
_FIRST_ROOM = 1024
"""Documents; doubled whenever it is full."""


class NearIndex:
    """Sketches (H,) of documents, none like one that came before.

    A hash table in arrays for each band: `_heads` has the last document that fell into each slot, and `_before`
    the one that was there before each document.
    """

    def __init__(self, hashes: int, similarity: float) -> None:
        """Make room.

        Args:
            hashes: in a sketch.
            similarity: the share of equal hashes from which two documents are alike.
        """
        self._similarity = similarity
        self._rows = rows_in_a_band(hashes, similarity)
        self._bands = hashes // self._rows
        rng = np.random.default_rng(0)
        self._factors = rng.integers(1 << 63, size=self._rows, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        self._count = 0
        self._sketches = np.empty((0, hashes), np.uint32)
        self._before = np.empty((0, self._bands), np.int32)
        self._heads = np.empty((0, self._bands), np.int32)
        self._grow(_FIRST_ROOM)

    def add(self, sketch: NDArray[np.uint32]) -> bool:
        """Remember a document; False, and nothing is remembered, if one like it is there already."""
        slots = self._slots(sketch[None])[0]
        if self._is_near(sketch, slots):
            return False
        if self._count == len(self._sketches):
            self._grow(2 * self._count)
            slots = self._slots(sketch[None])[0]
        self._sketches[self._count] = sketch
        self._enter(self._count, slots)
        self._count += 1
        return True

    def _is_near(self, sketch: NDArray[np.uint32], slots: NDArray[np.int64]) -> bool:
        bands = np.arange(self._bands)
        met = self._heads[slots, bands]
        while True:
            there = met != _NOBODY
            bands, met = bands[there], met[there]
            if not met.size:
                return False
            if ((self._sketches[met] == sketch).mean(axis=1) >= self._similarity).any():
                return True
            met = self._before[met, bands]

    def _slots(self, sketches: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Where each band (N, B) of sketches (N, H) falls."""
        bands = sketches[:, : self._bands * self._rows].reshape(len(sketches), self._bands, self._rows)
        mixed = (bands.astype(np.uint64) * self._factors).sum(axis=2, dtype=np.uint64) >> np.uint64(32)
        return (mixed & np.uint64(len(self._heads) - 1)).astype(np.int64)

    def _enter(self, number: int, slots: NDArray[np.int64]) -> None:
        bands = np.arange(self._bands)
        self._before[number] = self._heads[slots, bands]
        self._heads[slots, bands] = number

    def _grow(self, room: int) -> None:
        """Make room for so many documents, a power of 2, and enter those that are there again."""
        self._sketches = np.concatenate(
            [self._sketches, np.empty((room - self._count, self._sketches.shape[1]), np.uint32)]
        )
        self._before = np.empty((room, self._bands), np.int32)
        self._heads = np.full((room, self._bands), _NOBODY, np.int32)
        for number in range(self._count):
            self._enter(number, self._slots(self._sketches[number : number + 1])[0])


def rows_in_a_band(hashes: int, similarity: float) -> int:
    """The most rows, for the fewest strangers to look at, at which a pair of that similarity is found."""

    def found(rows: int) -> float:
        return 1 - (1 - similarity**rows) ** (hashes // rows)

    return max(rows for rows in range(1, hashes // 2 + 1) if rows == 1 or found(rows) >= _FOUND)
