"""A MediaWiki XML dump -> the wikitext of its pages, with one page in memory.

A document is the wikitext below a line with the dump's own names for what is no text (`Datei|Kategorie`), so that
`wikitext.text` needs nothing else. Dumps come from strangers: a document type, through which XML can be made to swell
or to open files, is refused, and so is a page without end.
"""

from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

from trainer import storage
from trainer.config.corpus import Source
from trainer.data.sources import wikitext
from trainer.errors import DataError

LONGEST_PAGE = 64_000_000
"""Characters. MediaWiki itself allows 2 MB."""
_BLOCK = 1 << 20
_NO_DUMP = "give an XML export of MediaWiki, such as pages-articles.xml.bz2"
_MEDIA, _FILE, _CATEGORY = "-2", "6", "14"
_SITE = ["mediawiki", "siteinfo", "namespaces", "namespace"]
_PAGE = ["mediawiki", "page"]
_FIELDS = [
    [*_PAGE, "title"],
    [*_PAGE, "ns"],
    [*_PAGE, "redirect"],
    [*_PAGE, "revision", "model"],
    [*_PAGE, "revision", "text"],
]


def read(source: Source, file: str) -> Iterator[str]:
    """The pages of the wanted namespaces that are wikitext and no redirects; of several revisions the last.

    Raises:
        DataError: it is no dump, or not well-formed; names line and column.
        StorageError: its compression is damaged.
    """
    dump = _Dump(file, {str(namespace) for namespace in source.namespaces})
    with storage.opened(file) as stream:
        while block := stream.read(_BLOCK):
            yield from dump.pages(block)
        yield from dump.pages(b"")


class _Dump:
    """Told of the XML by expat, piece by piece."""

    def __init__(self, file: str, namespaces: set[str]) -> None:
        self._file = file
        self._namespaces = namespaces
        self._path: list[str] = []
        self._pieces: list[str] | None = None
        """The text of the element, if it is a wanted one."""
        self._length = 0
        self._fields: dict[str, str] = {}
        """Of the page."""
        self._names: list[str] = []
        self._finished: list[str] = []
        self._parser: Any = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.buffer_size = _BLOCK
        self._parser.StartDoctypeDeclHandler = self._document_type
        self._parser.StartElementHandler = self._start
        self._parser.CharacterDataHandler = self._text
        self._parser.EndElementHandler = self._end

    def pages(self, block: bytes) -> list[str]:
        """Those that end in the next block of the file; after the last one comes an empty one."""
        self._finished = []
        try:
            self._parser.Parse(block, not block)
        except expat.ExpatError as error:
            what = f"line {error.lineno}, column {error.offset + 1}: {expat.ErrorString(error.code)}"
            if not self._path:
                raise DataError(self._file, f"it is no XML ({what})", _NO_DUMP) from error
            raise DataError(self._file, f"damaged or cut short ({what})", "copy the dump again") from error
        return self._finished

    def _document_type(self, name: str, *_: object) -> None:
        problem = f"line {self._parser.CurrentLineNumber}: it has a document type ({name}), and no dump has one"
        raise DataError(self._file, problem, _NO_DUMP)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name.rpartition(" ")[2])
        if len(self._path) == 1 and self._path != ["mediawiki"]:
            raise DataError(self._file, f"its root element is <{self._path[0]}>, and a dump's <mediawiki>", _NO_DUMP)
        if self._path == _PAGE:
            self._fields = {}
        wanted = self._path in _FIELDS or (self._path == _SITE and attributes.get("key") in (_MEDIA, _FILE, _CATEGORY))
        self._pieces = [] if wanted else None
        self._length = 0

    def _text(self, piece: str) -> None:
        if self._pieces is None:
            return
        self._pieces.append(piece)
        self._length += len(piece)
        if self._length > LONGEST_PAGE:
            line = self._parser.CurrentLineNumber
            problem = f"line {line}: page {self._fields.get('title')!r} is longer than {LONGEST_PAGE // 10**6} MB"
            raise DataError(self._file, problem, _NO_DUMP)

    def _end(self, _name: str) -> None:
        if self._pieces is not None:
            if self._path == _SITE:
                self._names.append("".join(self._pieces))
            else:
                self._fields[self._path[-1]] = "".join(self._pieces)
            self._pieces = None
        elif self._path == _PAGE:
            self._page()
        self._path.pop()

    def _page(self) -> None:
        if "ns" not in self._fields:
            problem = f"page {self._fields.get('title')!r} has no <ns>, so the dump is older than export version 0.6"
            raise DataError(self._file, problem, "give a newer dump")
        text = self._fields.get("text", "")
        if (
            self._fields["ns"] in self._namespaces
            and "redirect" not in self._fields
            and self._fields.get("model", "wikitext") == "wikitext"
            and text.strip()
        ):
            self._finished.append(wikitext.document(self._names, text))
