"""All documents -> how often each token is there, and what is there twice."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from trainer.data.doctor import hashes
from trainer.data.doctor.rows import Block

SENTENCE = 10
"""Tokens; shorter sentences come again in any text ("He nodded.")."""


class Census:
    """Counts block after block; 8 bytes for each document and each sentence."""

    def __init__(self, vocab_size: int) -> None:
        self.token_counts: NDArray[np.int64] = np.zeros(vocab_size, np.int64)
        self.documents = 0
        self.tokens = 0
        self._single = 0
        self._documents: list[NDArray[np.uint64]] = []
        self._sentences: list[NDArray[np.uint64]] = []

    def over(self, blocks: Iterable[Block]) -> None:
        """Count the blocks."""
        for block in blocks:
            self.documents += block.sizes.size
            self.tokens += block.tokens.size
            self.token_counts += np.bincount(block.tokens, minlength=self.token_counts.size)
            self._single += int((block.sentences == 1).sum())
            self._documents.append(hashes.of_stretches(block.tokens, block.sizes))
            sentences = hashes.of_stretches(block.tokens, block.sentence_lengths)
            self._sentences.append(sentences[block.sentence_lengths >= SENTENCE])

    @property
    def duplicate_documents(self) -> float:
        """Share of the documents that came before."""
        return hashes.repeated(self._documents)

    @property
    def duplicate_sentences(self) -> float:
        """Share of the sentences that came before, of those of `SENTENCE` tokens or more."""
        return hashes.repeated(self._sentences)

    @property
    def single_sentences(self) -> float:
        """Share of the documents that are one sentence."""
        return self._single / max(self.documents, 1)
