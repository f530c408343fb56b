"""Books: a document a file, and what Project Gutenberg puts around a book left out.

Chapters, title page and contents stay. A file without Project Gutenberg's marks is a book as it is.
"""

import re
from collections.abc import Iterator

from trainer.config.corpus import Source
from trainer.data.sources.lines import lines

_HEADER = 40_000
"""Characters. The header's end stands in these, with the longest of the old licences."""
_OPENING = 2_000
"""Characters of the book in which transcribers' notes are looked for."""

# "*** START OF THIS PROJECT GUTENBERG EBOOK EMMA ***", where a long title runs on over two or three lines, and in
# older files "*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*".
_START = re.compile(
    r"^\*\*\* ?START OF (?:THE|THIS) PROJECT GUTENBERG(?:[^*\n]*(?:\n[^*\n]+){0,2}\*\*\*)?.*$"
    r"|^\*? ?END ?\*? ?THE SMALL PRINT.*(?:\n.*\*END\*)?$",
    re.MULTILINE | re.IGNORECASE,
)
# Some of the old files have the small print behind the book.
_END = re.compile(
    r"^(?:\*\*\* ?END OF (?:THE|THIS) PROJECT GUTENBERG"
    r"|\*\*\*START\*\*THE SMALL PRINT"
    r"|\*{0,3} ?End of (?:the |this )?Project Gutenberg(?:'s|’s)?\b)",
    re.MULTILINE | re.IGNORECASE,
)
_CREDIT = re.compile(
    r"(?:this )?(?:e-?text |e-?book |html version )?(?:was )?"
    r"(?:produced|prepared|transcribed|scanned|created) (?:by|from)\b|an anonymous volunteer",
    re.IGNORECASE,
)
# Of more than one paragraph where it is parted from the book by a line of dashes.
_NOTE = re.compile(
    r"^(?:transcriber['’]?s?['’]? notes?\b(?:.*?\n-{9,}|.*?)"
    r"|\[(?:transcriber|project gutenberg editor)['’].*?\])(?=\n\s*\n)",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)


def read(_source: Source, file: str) -> Iterator[str]:
    """The one document of a file."""
    yield "\n".join(lines(file))


def text(document: str) -> str:
    """The book alone, with its line breaks."""
    starts = [mark.end() for mark in _START.finditer(document, 0, _HEADER)]
    start = next((start for start in reversed(starts) if document[start:].strip()), 0)
    end = _END.search(document, start)
    return _without_credits(document[start : end.start() if end else len(document)].strip())


def _without_credits(book: str) -> str:
    """Leave out "Produced by ..." where it is the first paragraph, and transcribers' notes that stand in the front."""
    opening, rest = book[:_OPENING], book[_OPENING:]
    first, blank, others = opening.partition("\n\n")
    return (_NOTE.sub("", others if blank and _CREDIT.match(first) else opening) + rest).strip()
