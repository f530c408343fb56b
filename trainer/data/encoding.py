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
_AT_ONCE = 500
"""New strings that the tokenizer gets as one text: one by one they would take three times as long."""
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
        sentence_ends = np.cumsum([len(document) for document in slab])
        token_ends = np.append(0, np.cumsum(pieces)[word_ends - 1])
        lengths, parts = _cut(np.diff(token_ends))
        part_ends = np.append(0, np.cumsum(parts))[sentence_ends].tolist()
        first_token = first_part = 0
        for token_end, part_end in zip(token_ends[sentence_ends].tolist(), part_ends, strict=True):
            if token_end > first_token:
                yield Document(tokens[first_token:token_end], lengths[first_part:part_end])
            first_token, first_part = token_end, part_end
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
        ids, ends, known = [self._ids], [self._ends], self._ends.size - 1
        texts = [strings[start : start + _AT_ONCE] for start in range(0, len(strings), _AT_ONCE)]
        joined = [" ".join(text) for text in texts]
        encodings = self._tokenizer.encode_batch(joined, add_special_tokens=False)
        for text, whole, encoding in zip(texts, joined, encodings, strict=True):
            ids.append(np.array(encoding.ids, np.uint32))
            starts = np.array([start for start, _ in encoding.offsets], np.int64)
            string_ends = np.cumsum([len(string) + 1 for string in text])
            ends.append(np.searchsorted(starts, string_ends) + ends[-1][-1])
            for token in np.flatnonzero(ids[-1] == self._unk).tolist():
                number = known + int(np.searchsorted(string_ends, starts[token], side="right"))
                start, end = encoding.offsets[token]
                self._unknown.setdefault(number, []).append(whole[start:end])
            known += len(text)
        self._ids, self._ends = np.concatenate(ids), np.concatenate(ends)


class _Numbers(dict[str, int]):
    """Numbers strings in the order in which they are first asked for, and keeps a list of the new ones."""

    def __init__(self) -> None:
        super().__init__()
        self.new: list[str] = []

    def __missing__(self, string: str) -> int:
        self[string] = number = len(self)
        self.new.append(string)
        return number


def _cut(lengths: NDArray[np.int64]) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
    """The lengths of the sentences' parts, long ones in several and empty ones in none; and how many each has."""
    whole = lengths // _LONGEST_SENTENCE
    rest = lengths % _LONGEST_SENTENCE
    parts = np.column_stack([np.full_like(lengths, _LONGEST_SENTENCE), rest]).ravel()
    times = np.column_stack([whole, rest > 0])
    return np.repeat(parts, times.ravel()).astype(np.uint16), times.sum(axis=1)
