"""A first look at all of the text, on all cores: its words, to train a vocabulary on, and its duplicates.

The text is handed out in pieces that are cut at the same places whatever the number of processes, and what comes back
is put together in their order, so the result is the same.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

from trainer.config.corpus import Corpus
from trainer.data.duplicates import Duplicates, Signature, signature
from trainer.data.processes import in_order
from trainer.data.progress import Count
from trainer.data.texts import Sources, Texts, all_documents
from trainer.data.words import WordCounts, strings

_PIECE_CHARACTERS = 1 << 23


class Survey(NamedTuple):
    """What was seen."""

    words: WordCounts
    """Of the documents that are not left out for another reason than being a duplicate."""
    duplicates: dict[int, str]
    """Documents, by their number in all text, that go because they are one -> what they are."""
    documents: int


class _Piece(NamedTuple):
    source: int
    first: int
    documents: list[str]


class _Seen(NamedTuple):
    strings: Counter[str]
    signatures: list[tuple[int, Signature]]
    documents: int


def survey(corpus: Corpus, sources: Sources, processes: int, count: Count) -> Survey:
    """Read everything once.

    Raises:
        DataError, StorageError: the text is unusable.
    """
    words, duplicates, found = WordCounts(), Duplicates(corpus.cleaning), dict[int, str]()
    for seen in in_order(partial(_Surveyor, corpus), _pieces(all_documents(sources)), processes):
        words.add(seen.strings)
        for number, of_document in seen.signatures:
            if reason := duplicates.sees(of_document):
                found[number] = reason
        count.add(seen.documents)
    return Survey(words, found, count.done)


class _Surveyor:
    def __init__(self, corpus: Corpus) -> None:
        self._cleaning = corpus.cleaning
        self._texts = Texts(corpus)

    def __call__(self, piece: _Piece) -> _Seen:
        texts = [
            (number, text)
            for number, document in enumerate(piece.documents, start=piece.first)
            if (text := self._texts(piece.source, document)[0]) is not None
        ]
        signatures: list[tuple[int, Signature]] = []
        if self._cleaning.duplicates != "keep":
            signatures = [(number, signature(text, self._cleaning)) for number, text in texts]
        return _Seen(strings(text for _, text in texts), signatures, len(piece.documents))


def _pieces(documents: Iterable[tuple[int, str]]) -> Iterator[_Piece]:
    piece = _Piece(0, 0, [])
    characters = 0
    for number, (source, document) in enumerate(documents):
        if source != piece.source or characters >= _PIECE_CHARACTERS:
            yield piece
            piece, characters = _Piece(source, number, []), 0
        piece.documents.append(document)
        characters += len(document)
    yield piece
