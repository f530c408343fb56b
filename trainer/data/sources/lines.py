"""A file -> its lines; a fault is told with the file and the line."""

from collections.abc import Iterator
from typing import IO

from trainer import storage
from trainer.errors import DataError

LONGEST_LINE = 64_000_000
"""Bytes. What is longer is no line of text, but a file of another kind; it is refused before it fills the memory."""
_BLOCK = 1 << 20


def lines(file: str) -> Iterator[str]:
    """The lines of a UTF-8 file without their ends; a byte-order mark is left out.

    Raises:
        DataError: a line is not UTF-8, or longer than `LONGEST_LINE`.
        StorageError: the file cannot be read.
    """
    with storage.opened(file) as stream:
        for number, line in enumerate(_byte_lines(stream), start=1):
            if len(line) > LONGEST_LINE:
                problem = f"line {number} is longer than {LONGEST_LINE // 10**6} MB"
                raise DataError(file, problem, "break it into lines, or name the format of the file")
            yield _decoded(file, number, line)


def _byte_lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Split block by block, which is as quick on object storage as on a disk; the last line may be cut at the limit."""
    rest = bytearray()
    while len(rest) <= LONGEST_LINE and (block := stream.read(_BLOCK)):
        first, *others = block.split(b"\n")
        rest += first
        if others:
            yield bytes(rest)
            yield from others[:-1]
            rest = bytearray(others[-1])
    if rest:
        yield bytes(rest)


def _decoded(file: str, number: int, line: bytes) -> str:
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        problem = f"line {number} is not UTF-8: byte 0x{line[error.start]:02x} in column {error.start + 1}"
        raise DataError(file, problem, "convert the file to UTF-8, for example with iconv") from error
    return text.removeprefix("\ufeff" if number == 1 else "").rstrip("\r\n")
