"""A document -> its sentences, by sentencex (Wikimedia's rule-based splitter, English rules).

Sentences matter only as the places where an instance may begin, end or be parted into A and B, so a rule-based splitter
of 40 MB/s is worth more here than a slower one that is right in a few more places. A quotation stays in one piece.
"""

import re
from collections.abc import Iterator
from typing import Any

import sentencex

_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")
_WINDOW = 20_000
"""Characters. On unpaired quotation marks sentencex takes quadratic time (0.4 s for 0.1 MB, measured with 1.0.32), so a
longer paragraph is split window by window, at the price of one cut sentence in each."""

_segment: Any = sentencex.segment  # pyright: ignore[reportAttributeAccessIssue]


def split(text: str) -> list[str]:
    """The sentences of a text, single-spaced and without space around them.

    A blank line always ends a sentence, a single line break is a space.
    """
    sentences: list[str] = []
    for paragraph in _BLANK_LINE.split(text):
        for window in _windows(" ".join(paragraph.split())):
            sentences += [sentence.strip() for sentence in _segment("en", window)]
    return [sentence for sentence in sentences if sentence]


def _windows(text: str) -> Iterator[str]:
    start = 0
    while len(text) - start > _WINDOW:
        space = text.rfind(" ", start + 1, start + _WINDOW)
        end = space if space > 0 else start + _WINDOW
        yield text[start:end]
        start = end
    yield text[start:]
