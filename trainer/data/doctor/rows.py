"""The rows of one split of a corpus, documents or instances -> blocks of some rows each, as flat arrays.

So numpy works on many rows at once, and on the mapped file itself.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainer.data.corpus import flat, mapped
from trainer.data.manifest import Manifest, SplitName

AT_ONCE = 1 << 19
"""Tokens in a block: 4 MB as 64-bit numbers, of which a dozen arrays are alive at a time. A longer row is one alone."""
_TOGETHER = 64
"""Where not all rows are looked at, so many that stand together are, because repeats often do."""

Tokens = NDArray[np.unsignedinteger[Any]]


class Block(NamedTuple):
    """D rows of T tokens and S sentences. An instance counts as one sentence."""

    first: int
    """Number of the first row in its split; the others follow."""
    tokens: Tokens
    """(T,)"""
    sizes: NDArray[np.int64]
    """(D,) tokens in each row."""
    sentence_lengths: NDArray[np.int64]
    """(S,)"""
    sentences: NDArray[np.int64]
    """(D,) sentences in each row."""

    @property
    def rows(self) -> NDArray[np.int64]:
        """(T,) which row of the block a token is in."""
        return np.repeat(np.arange(self.sizes.size), self.sizes)


class Rows:
    """All rows of a split, numbered through its shards."""

    def __init__(self, uri: str, described: Manifest, split: SplitName) -> None:
        """Map the shards of the corpus in the folder `uri`.

        Raises:
            DataError: a shard is missing, cut short or no shard of it.
            StorageError: the storage cannot be read.
        """
        self._shards = [shard for shard in described.shards if shard.split == split]
        self._firsts = np.cumsum([0, *(shard.documents for shard in self._shards)])
        names = ("tokens", "sentence_lengths") if described.kind == "documents" else ("tokens",)
        place = described.location or uri
        self._columns = [[flat(column) for column in mapped(place, shard, names)] for shard in self._shards]

    def __len__(self) -> int:
        return int(self._firsts[-1])

    def tokens(self, number: int) -> Tokens:
        """Those of a row."""
        shard, row = self._at(number)
        values, offsets = self._columns[shard][0]
        return values[offsets[row] : offsets[row + 1]]

    def place(self, number: int) -> tuple[str, int]:
        """The file of a row, and which row of the file it is."""
        shard, row = self._at(number)
        return self._shards[shard].name, row

    def longest(self) -> int:
        """Tokens in the longest row."""
        return max((int(np.diff(columns[0][1]).max(initial=0)) for columns in self._columns), default=0)

    def blocks(self, share: float) -> Iterator[Block]:
        """All rows, or about that share of them, evenly spread."""
        for shard in range(len(self._shards)):
            for start, end in self._stretches(shard, share):
                yield self._block(shard, start, end)

    def _at(self, number: int) -> tuple[int, int]:
        shard = int(np.searchsorted(self._firsts, number, side="right")) - 1
        return shard, number - int(self._firsts[shard])

    def _stretches(self, shard: int, share: float) -> Iterator[tuple[int, int]]:
        """Rows of the shard: from, to."""
        first, end = self._firsts[shard : shard + 2].tolist()
        offsets = self._columns[shard][0][1].astype(np.int64)
        if share >= 1:
            yield from _parted(offsets, 0, end - first)
            return
        step = round(_TOGETHER / share)
        for number in range(first - first % step, end, step):
            start, stop = max(number, first), min(number + _TOGETHER, end)
            if start < stop:
                yield from _parted(offsets, start - first, stop - first)

    def _block(self, shard: int, start: int, end: int) -> Block:
        tokens, offsets = self._columns[shard][0]
        sizes = np.diff(offsets[start : end + 1]).astype(np.int64)
        lengths, sentences = sizes, np.ones(end - start, np.int64)
        if len(self._columns[shard]) > 1:
            values, places = self._columns[shard][1]
            lengths = values[places[start] : places[end]].astype(np.int64)
            sentences = np.diff(places[start : end + 1]).astype(np.int64)
        return Block(int(self._firsts[shard]) + start, tokens[offsets[start] : offsets[end]], sizes, lengths, sentences)


def _parted(offsets: NDArray[np.int64], start: int, end: int) -> Iterator[tuple[int, int]]:
    """The rows in pieces of about `AT_ONCE` tokens."""
    while start < end:
        stop = int(np.searchsorted(offsets, offsets[start] + AT_ONCE))
        stop = min(max(stop, start + 1), end)
        yield start, stop
        start = stop
