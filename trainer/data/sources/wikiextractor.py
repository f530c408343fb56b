"""The output of wikiextractor: `<doc ...>` elements, or JSON lines; which of them is seen at each file's first line."""

import html
from collections.abc import Iterable, Iterator
from itertools import chain

from trainer.config.corpus import Source
from trainer.data.sources import jsonl
from trainer.data.sources.lines import lines
from trainer.errors import DataError

_REMEDY = "give wikiextractor's output, with --json or without; if it was cut short, extract it again"


def read(_source: Source, file: str) -> Iterator[str]:
    """The articles of a file, without the title that stands above each in the `<doc>` form.

    Raises:
        DataError: it has neither form, or ends within an article.
    """
    all_lines = lines(file)
    first = next(all_lines, "")
    if first.startswith("{"):
        yield from jsonl.rows(file, chain([first], all_lines), "text")
    else:
        yield from _elements(file, chain([first], all_lines))


def text(document: str) -> str:
    """The article; a line of wikiextractor's is a paragraph, so it becomes one."""
    return "\n\n".join(line for line in html.unescape(document).split("\n") if line and not line.isspace())


def _elements(file: str, lines: Iterable[str]) -> Iterator[str]:
    article: list[str] | None = None
    begun = 0
    for number, line in enumerate(lines, start=1):
        if line.startswith("<doc ") and line.endswith(">"):
            if article is not None:
                raise DataError(file, f"line {number}: an article begins within that of line {begun}", _REMEDY)
            article, begun = [], number
        elif article is None:
            if line and not line.isspace():
                raise DataError(file, f"line {number} is not within <doc ...> and </doc>, nor JSON", _REMEDY)
        elif line == "</doc>":
            yield "\n".join(article[1:]).strip("\n")
            article = None
        else:
            article.append(line)
    if article is not None:
        raise DataError(file, f"the article that begins in line {begun} has no </doc>", _REMEDY)
