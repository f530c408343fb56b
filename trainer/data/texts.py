"""The sources of a corpus -> numbered documents, and a document -> its text, cleaned as the corpus asks for."""

from collections.abc import Iterator, Sequence

from trainer.config.corpus import Corpus, Source
from trainer.data.cleaning import Cleaner
from trainer.data.sources import documents, text_of

Sources = Sequence[tuple[Source, str]]
"""Each source of the corpus with its resolved URI."""


def all_documents(sources: Sources) -> Iterator[tuple[int, str]]:
    """(source, document): all documents as they are read, of one source after the other.

    Raises:
        DataError, StorageError: as `sources.documents`.
    """
    for number, (source, uri) in enumerate(sources):
        for document in documents(source, uri):
            yield number, document


class Texts:
    """Makes text of documents; one for each process."""

    def __init__(self, corpus: Corpus) -> None:
        self._sources = corpus.sources
        self._clean = Cleaner(corpus.cleaning)

    def __call__(self, source: int, document: str) -> tuple[str | None, str | None]:
        """The text of a document of a source, or None and why it is left out."""
        return self._clean(text_of(self._sources[source], document))
