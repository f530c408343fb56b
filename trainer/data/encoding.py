"""Documents -> token ids, sentence by sentence.

What stands between two spaces is tokenized once and remembered: BERT's tokenizer looks at one such string at a time,
and few distinct ones make most of a text. It is several times as fast as each sentence anew, and the ids are the same.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from trainer.data import sentences, vocab
from trainer.data.shards import Document

_SLAB = 4096
"""Sentences looked up at once."""
_LONGEST_SENTENCE = 100
"""Tokens. Text without sentence ends (lists, tables, some languages) is cut, so that training sees every part of it."""
_MOST_REMEMBERED = 500_000
"""Strings; some 100 MB. Over it all are forgotten."""


class Encoder:
    """Tokenizes documents.

    Attributes:
        unknown_words: how often each word was met that became [UNK].
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.unknown_words: Counter[str] = Counter()
        self._words = _Words(tokenizer)

    def __call__(self, documents: Iterable[str]) -> Iterator[Document]:
        """The documents' tokens, in order; a document without any is left out."""
        slab: list[list[str]] = []
        waiting = 0
        for document in documents:
            slab.append(sentences.split(document))
            waiting += len(slab[-1])
            if waiting >= _SLAB:
                yield from self._encoded(slab)
                slab, waiting = [], 0
        yield from self._encoded(slab)

    def _encoded(self, slab: list[list[str]]) -> Iterator[Document]:
        texts = list(chain.from_iterable(slab))
        if not texts:
            return
        numbers = self._words.numbers(" ".join(texts).split(" "))
        self._words.count_unknown(numbers, self.unknown_words)
        tokens, pieces = self._words.tokens(numbers)
        word_ends = np.cumsum([text.count(" ") + 1 for text in texts])
        token_ends = np.cumsum(pieces)[word_ends - 1]
        lengths = np.diff(token_ends, prepend=0)
        sentence_ends = np.cumsum([len(document) for document in slab], dtype=np.int64)[:-1]
        document_ends = np.concatenate([[0], token_ends])[sentence_ends]
        parts = zip(np.split(tokens, document_ends), np.split(lengths, sentence_ends), strict=True)
        yield from (Document(of_tokens, _cut(of_lengths)) for of_tokens, of_lengths in parts if of_tokens.size)
        self._words.forget_too_many()


class _Words:
    """Every string between spaces that was met, numbered, with its pieces one after the other in an array."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._unk = vocab.special_ids(tokenizer).unk
        self._forget()

    def _forget(self) -> None:
        self._numbers = _Numbers()
        self._ids = np.empty(0, np.uint32)
        self._ends = np.zeros(1, np.int64)
        self._unknown: dict[int, list[str]] = {}

    def forget_too_many(self) -> None:
        if len(self._numbers) > _MOST_REMEMBERED:
            self._forget()

    def numbers(self, strings: list[str]) -> NDArray[np.int64]:
        """The number of each string."""
        numbers = np.fromiter(map(self._numbers.__getitem__, strings), np.int64, len(strings))
        if self._numbers.new:
            self._learn(self._numbers.new)
            self._numbers.new = []
        return numbers

    def tokens(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """The pieces of the strings, one after the other, and how many each has."""
        starts, ends = self._ends[numbers], self._ends[numbers + 1]
        pieces = ends - starts
        before = np.cumsum(pieces) - pieces
        return self._ids[np.repeat(starts - before, pieces) + np.arange(pieces.sum())], pieces

    def count_unknown(self, numbers: NDArray[np.int64], counts: Counter[str]) -> None:
        if self._unknown:
            known = np.fromiter(self._unknown, np.int64)
            for number in numbers[np.isin(numbers, known)].tolist():
                counts.update(self._unknown[number])

    def _learn(self, strings: list[str]) -> None:
        first = self._ends.size - 1
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch_fast(strings, add_special_tokens=False)]
        for number, (string, of_string) in enumerate(zip(strings, ids, strict=True), start=first):
            if self._unk in of_string:
                self._unknown[number] = self._unknown_in(string)
        ends = self._ends[-1] + np.cumsum([len(of_string) for of_string in ids], dtype=np.int64)
        self._ends = np.concatenate([self._ends, ends])
        self._ids = np.concatenate([self._ids, np.fromiter(chain.from_iterable(ids), np.uint32)])

    def _unknown_in(self, string: str) -> list[str]:
        encoding = self._tokenizer.encode(string, add_special_tokens=False)
        offsets = zip(encoding.ids, encoding.offsets, strict=True)
        return [string[start:end] for number, (start, end) in offsets if number == self._unk]


class _Numbers(dict[str, int]):
    """Numbers strings in the order in which they are first asked for, and keeps a list of the new ones."""

    def __init__(self) -> None:
        super().__init__()
        self.new: list[str] = []

    def __missing__(self, string: str) -> int:
        self[string] = number = len(self)
        self.new.append(string)
        return number


def _cut(lengths: NDArray[np.int64]) -> NDArray[np.uint16]:
    """Sentence lengths without the empty sentences, the long ones in pieces."""
    whole = lengths // _LONGEST_SENTENCE
    rest = lengths % _LONGEST_SENTENCE
    pieces = np.column_stack([np.full_like(lengths, _LONGEST_SENTENCE), rest]).ravel()
    return np.repeat(pieces, np.column_stack([whole, rest > 0]).ravel()).astype(np.uint16)
