"""Plain text: a document a file, a line, or a block of lines between blank lines."""

from collections.abc import Iterable, Iterator

from trainer.config.corpus import Source
from trainer.data.sources.lines import lines

_LONGEST_DOCUMENT = 1 << 22
"""Characters. A file without blank lines is no document that should be in memory at once: at a line's end it is cut."""


def read(source: Source, file: str) -> Iterator[str]:
    """The documents of a text file."""
    if source.documents == "line":
        return lines(file)
    return _blocks(lines(file), blank_lines_part=source.documents == "block")


def _blocks(lines: Iterable[str], *, blank_lines_part: bool) -> Iterator[str]:
    block: list[str] = []
    length = 0
    for line in lines:
        is_blank = not line or line.isspace()
        if block and ((is_blank and blank_lines_part) or length + len(line) > _LONGEST_DOCUMENT):
            yield "\n".join(block)
            block, length = [], 0
        if not (is_blank and blank_lines_part):
            block.append(line)
            length += len(line) + 1
    if block:
        yield "\n".join(block)
