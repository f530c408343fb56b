"""Text in the layouts that people have it in -> documents, one string after the other, from any storage.

Reading is in two steps. `documents` is the quick one, for whoever shares the work out: it finds where a document begins
and ends, and holds one at a time. `text_of` may be slow, and is for whoever does the work: it makes text of a document.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from trainer import storage
from trainer.config.corpus import Source
from trainer.data.sources import books, datasets, jsonl, mediawiki, parquet, plain, wikiextractor, wikitext
from trainer.errors import DataError


def _as_it_is(document: str) -> str:
    return document


def _visible(uri: str) -> list[str]:
    return [file for file in storage.matching(uri) if not file.rsplit("/", 1)[-1].startswith(".")]


class Format(NamedTuple):
    """How a layout is read."""

    read: Callable[[Source, str], Iterator[str]]
    """(source, URI of a file) -> its documents, as quickly as they can be told apart."""
    text: Callable[[str], str] = _as_it_is
    """A document -> its text; the same whenever it is called. Empty where there is none in it."""
    files: Callable[[str], list[str]] = _visible
    """A source's URI -> the URIs of its files, in the order in which they are read."""


_FORMATS = {
    "text": Format(plain.read),
    "books": Format(books.read, books.text),
    "mediawiki": Format(mediawiki.read, wikitext.text),
    "wikiextractor": Format(wikiextractor.read, wikiextractor.text),
    "jsonl": Format(jsonl.read),
    "parquet": Format(parquet.read),
    "datasets": Format(datasets.read, files=datasets.files),
}


def documents(source: Source, uri: str) -> Iterator[str]:
    """The documents of a source, in the order of its file names; hidden files (a leading dot) are passed over.

    Args:
        source: says how the files are to be read.
        uri: the source's path with `run://` resolved: a file, a folder or a glob.

    Raises:
        DataError: there is no such file, no document in it, or it is not what it should be; names file and place.
        StorageError: a file cannot be read, or its compression is damaged.
    """
    layout = _FORMATS[source.format]
    files = layout.files(uri)
    if not files:
        raise DataError(uri, "there is no such file or folder, or it is empty", "check the path in corpus.sources")
    found = False
    for file in files:
        for document in layout.read(source, file):
            if document and not document.isspace():
                found = True
                yield document
    if not found:
        problem = f"there is no text in it, read as {source.format}"
        raise DataError(uri, problem, "check the source's path, its format and what goes with it")


def text_of(source: Source, document: str) -> str:
    """The text of a document that `documents` gave; empty where there is none in it."""
    return _FORMATS[source.format].text(document)
