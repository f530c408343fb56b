"""Blocks of rows -> which of their rows go to which shard, known before any of them is read.

Where a shard ends is a function of the numbers of rows alone. So parts and processes that prepare a corpus together
agree without reading each other's rows, and a finished shard is not read again.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainer.config.corpus import Corpus
from trainer.data.cutting import is_held_out
from trainer.data.manifest import SPLITS, SplitName
from trainer.data.shards import Place

_MOST_ROWS = 1 << 18
"""In a shard, so that it fits into the memory."""


class Block(NamedTuple):
    """Rows `start` to `end` (left out) of a file of source number `source`."""

    source: int
    file: str
    start: int
    end: int


class Share(NamedTuple):
    """The rows (R,) of a block, counted from its start, that go to a shard."""

    place: Place
    rows: NDArray[np.int64]


class Cut(NamedTuple):
    """A block with the shares of all wanted shards; none if it need not be read."""

    block: Block
    shares: list[Share]


def cut(blocks: Iterable[Block], corpus: Corpus, wanted: Callable[[Place], bool]) -> Iterator[Cut]:
    """Share the rows out, in order. A shard holds rows of one source and one split.

    Args:
        blocks: all of them, those of a source one after the other.
        corpus: says how large a shard is, and how much is held out.
        wanted: asked once for each shard, whether its rows are to be read.
    """
    places = _Places(min(corpus.documents_per_shard, _MOST_ROWS), wanted)
    first = 0
    for block in blocks:
        end = first + block.end - block.start
        is_held = np.fromiter((is_held_out(number, corpus.held_out) for number in range(first, end)), np.bool_)
        shares: list[Share] = []
        for split, rows in zip(SPLITS, (np.flatnonzero(~is_held), np.flatnonzero(is_held)), strict=True):
            shares += places.shared_out(split, block.source, rows)
        yield Cut(block, shares)
        first = end


class _Places:
    """The shards that are being filled."""

    def __init__(self, size: int, wanted: Callable[[Place], bool]) -> None:
        self._size = size
        self._wanted = wanted
        self._filling: dict[SplitName, tuple[Place, bool]] = {}
        self._room = Counter[str]()

    def shared_out(self, split: SplitName, source: int, rows: NDArray[Any]) -> Iterator[Share]:
        while rows.size:
            before = self._filling.get(split)
            if before is None or before[0].source != source or not self._room[split]:
                place = Place(split, before[0].number + 1 if before else 0, source)
                self._filling[split] = (place, self._wanted(place))
                self._room[split] = self._size
            place, is_wanted = self._filling[split]
            taken = min(rows.size, self._room[split])
            self._room[split] -= taken
            if is_wanted:
                yield Share(place, rows[:taken])
            rows = rows[taken:]
