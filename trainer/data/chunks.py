"""Sentence lengths -> chunks: runs of consecutive sentences of one document that fill an instance.

A chunk is what is counted as one sample of an epoch. Each sentence is in exactly one chunk, so the whole index is a
sorted array of first sentences, and the lengths (12 bytes a chunk). It is built when training starts, at about 20
million sentences a second.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Chunk(NamedTuple):
    """Sentences `first` to `end` (left out) of document `document` of the split."""

    document: int
    first: int
    end: int


class ChunkIndex:
    """All chunks of a split, numbered in the order of the text."""

    def __init__(
        self, sentence_lengths: Iterable[tuple[NDArray[np.uint16], NDArray[np.int64]]], max_tokens: int
    ) -> None:
        """Build it from `Corpus.sentence_lengths()`, for chunks of at most `max_tokens` tokens."""
        firsts: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
        documents: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
        self.counts: list[int] = []
        """Chunks of each shard."""
        tokens: list[NDArray[np.int32]] = [np.empty(0, np.int32)]
        sentences = 0
        for lengths, offsets in sentence_lengths:
            starts = build_chunks(lengths, offsets, max_tokens)
            firsts.append(sentences + starts)
            if starts.size:
                tokens.append(np.add.reduceat(lengths, starts, dtype=np.int32))
            self.counts.append(firsts[-1].size)
            documents.append(sentences + offsets[:-1])
            sentences += lengths.size
        self._firsts = np.append(np.concatenate(firsts), sentences)
        self._tokens = np.concatenate(tokens)
        self._documents = np.concatenate(documents)

    def __len__(self) -> int:
        return self._firsts.size - 1

    def sizes(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """How many tokens, and how many sentences, each of the chunks `numbers` has."""
        return self._tokens[numbers].astype(np.int64), self._firsts[numbers + 1] - self._firsts[numbers]

    def __getitem__(self, number: int) -> Chunk:
        first, end = self._firsts[number : number + 2].tolist()
        document = int(self._documents.searchsorted(first, side="right")) - 1
        start = int(self._documents[document])
        return Chunk(document, first - start, end - start)


def build_chunks(
    sentence_lengths: NDArray[np.uint16], document_offsets: NDArray[np.int64], max_tokens: int
) -> NDArray[np.int64]:
    """The first sentence of each chunk, in order.

    A chunk takes sentences as long as they fit into `max_tokens`, and always one. All documents are walked at the
    same time, so the number of numpy calls is that of the chunks in the longest document.

    Args:
        sentence_lengths: (S,) in tokens.
        document_offsets: (D + 1,) the first sentence of each document, and S.
        max_tokens: of a chunk.
    """
    tokens_before = np.concatenate([[0], np.cumsum(sentence_lengths, dtype=np.int64)])
    is_first = np.zeros(sentence_lengths.size, np.bool_)
    heads, stops = document_offsets[:-1], document_offsets[1:]
    while heads.size:
        is_first[heads] = True
        fitting = np.searchsorted(tokens_before, tokens_before[heads] + max_tokens, side="right") - 1
        heads = np.maximum(fitting, heads + 1)
        going_on = heads < stops
        heads, stops = heads[going_on], stops[going_on]
    return np.flatnonzero(is_first)
