"""Blocks of code in a page of ours."""

import re
from pathlib import Path
from typing import NamedTuple

README = Path(__file__).parents[1] / "README.md"
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    language: str
    """Empty where none is named."""
    text: str


def blocks(page: Path) -> list[Block]:
    """In their order."""
    return [Block(*found) for found in _BLOCK.findall(page.read_text())]


def readme(beginning: str) -> str:
    """The block of the project's README that begins so.

    Raises:
        StopIteration: there is none.
    """
    return next(block.text for block in blocks(README) if block.text.startswith(beginning))


def without_blocks(page: Path) -> str:
    """The text around them."""
    return _BLOCK.sub("", page.read_text())
