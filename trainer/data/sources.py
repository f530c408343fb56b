"""Text on any storage -> documents, one string after the other.

Files are read line by line, so memory holds one document at a time, never a file of many. A fault is told with the file
and the line. Hidden files (a name with a leading dot) are passed over: they are what other programs left behind.
"""

from collections.abc import Iterable, Iterator

from trainer import storage
from trainer.config.schema import TextSource
from trainer.errors import DataError


def documents(source: TextSource, uri: str) -> Iterator[str]:
    """The documents of a source, in the order of its file names.

    Args:
        source: says what a document is: a `block` of lines between blank lines, or a whole `file`.
        uri: the source's path with `run://` resolved: a file, a folder or a glob.

    Raises:
        DataError: there is no such file, no text in it, or it is not UTF-8.
        StorageError: a file cannot be read, or its compression is damaged.
    """
    files = [file for file in storage.matching(uri) if not file.rsplit("/", 1)[-1].startswith(".")]
    if not files:
        raise DataError(uri, "there is no such file or folder, or it is empty", "check the path in corpus.sources")
    found = False
    for file in files:
        lines = _lines(file)
        for document in _blocks(lines) if source.documents == "block" else ["\n".join(lines)]:
            if document and not document.isspace():
                found = True
                yield document
    if not found:
        raise DataError(uri, "there is no text in it, only blank lines", "check the path in corpus.sources")


def _blocks(lines: Iterable[str]) -> Iterator[str]:
    block: list[str] = []
    for line in lines:
        if line and not line.isspace():
            block.append(line)
        elif block:
            yield "\n".join(block)
            block = []
    if block:
        yield "\n".join(block)


def _lines(file: str) -> Iterator[str]:
    with storage.opened(file) as stream:
        for number, line in enumerate(stream, start=1):
            yield _decoded(file, number, line)


def _decoded(file: str, number: int, line: bytes) -> str:
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        problem = f"line {number} is not UTF-8: byte 0x{line[error.start]:02x} in column {error.start + 1}"
        raise DataError(file, problem, "convert the file to UTF-8, for example with iconv") from error
    return text.removeprefix("\ufeff" if number == 1 else "").rstrip("\r\n")
