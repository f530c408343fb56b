"""All documents -> those that are least like the others.

A document is surprising by the mean -log p of its tokens, p the token's frequency in the corpus, and repetitive by the
share of its runs of 5 tokens that stand in it before. Both say little of a few tokens, so `_ORDINARY` tokens that
are just as usual (the corpus's entropy, no repeats) are thought to stand beside those of each document.
"""

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainer.data.doctor import hashes
from trainer.data.doctor.rows import Block
from trainer.data.manifest import SPLITS, SplitName
from trainer.data.randomness import mixed

REPETITIVE = 0.5
"""From this share on a document repeats itself: measured, novels have 0.02 to 0.06, Wikipedia at most 0.09."""
_RUN = 5
_ORDINARY = 50


class Strange(NamedTuple):
    """A document and how strange it is."""

    split: SplitName
    number: int
    tokens: int
    surprise: float
    repeated: float
    why: Literal["surprising", "repetitive"]


class Strangers:
    """Measures block after block; 20 bytes for each document."""

    def __init__(self, token_counts: NDArray[np.int64]) -> None:
        """Begin with the counts (V,) of all tokens."""
        shares = np.maximum(token_counts, 1) / max(int(token_counts.sum()), 1)
        self._surprise = -np.log(shares)
        self._usual = float((shares * self._surprise)[token_counts > 0].sum())
        self._splits: list[NDArray[np.int8]] = []
        self._numbers: list[NDArray[np.int64]] = []
        self._sizes: list[NDArray[np.int32]] = []
        self._surprises: list[NDArray[np.float32]] = []
        self._repeats: list[NDArray[np.float32]] = []

    def over(self, split: SplitName, blocks: Iterable[Block]) -> None:
        """Measure the documents of the blocks, which are of that split."""
        for block in blocks:
            self._splits.append(np.full(block.sizes.size, SPLITS.index(split), np.int8))
            self._numbers.append(block.first + np.arange(block.sizes.size))
            self._sizes.append(block.sizes.astype(np.int32))
            sums = np.concatenate([[0.0], np.cumsum(self._surprise[block.tokens])])
            ends = np.cumsum(block.sizes)
            means = (sums[ends] - sums[ends - block.sizes]) / np.maximum(block.sizes, 1)
            self._surprises.append(means.astype(np.float32))
            self._repeats.append(repeats(block).astype(np.float32))

    @property
    def repetitive(self) -> float:
        """Share of the documents that repeat themselves."""
        _, repeats = self._weighed()
        return float((repeats >= REPETITIVE).sum() / max(repeats.size, 1))

    def strangest(self, count: int) -> list[Strange]:
        """So many documents, half of them repetitive at most, then the most surprising of those over the usual."""
        excess, repeats = self._weighed()
        by_repeats = np.argsort(-repeats, kind="stable")[: count // 2].tolist()
        first = [place for place in by_repeats if repeats[place] >= REPETITIVE]
        by_surprise = np.argsort(-excess, kind="stable")[:count].tolist()
        others = [place for place in by_surprise if excess[place] > 0 and place not in first][: count - len(first)]
        return self._at(first, "repetitive") + self._at(others, "surprising")

    def _weighed(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """How much more surprising than usual, and how repetitive, each document is."""
        sizes = _joined(self._sizes)
        weights = sizes / (sizes + _ORDINARY)
        return weights * (_joined(self._surprises) - self._usual), weights * _joined(self._repeats)

    def _at(self, places: list[int], why: Literal["surprising", "repetitive"]) -> list[Strange]:
        columns = (self._splits, self._numbers, self._sizes, self._surprises, self._repeats)
        rows = zip(*(_joined(list(column))[places].tolist() for column in columns), strict=True)
        return [
            Strange(SPLITS[split], number, tokens, surprise, repeated, why)
            for split, number, tokens, surprise, repeated in rows
        ]


def repeats(block: Block) -> NDArray[np.float64]:
    """(D,) The share of each document's runs of 5 tokens that stand in it before."""
    rows = block.rows
    runs = hashes.of_runs(block.tokens, _RUN)
    inside = rows[: runs.size] == rows[_RUN - 1 :]
    of, runs = rows[: runs.size][inside], runs[inside]
    _, firsts = np.unique(mixed(runs + of.astype(np.uint64)), return_index=True)
    counts = np.bincount(of, minlength=block.sizes.size)
    distinct = np.bincount(of[firsts], minlength=block.sizes.size)
    return 1 - distinct / np.maximum(counts, 1) - (counts == 0)


def _joined(columns: list[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(columns) if columns else np.empty(0, np.int64)
