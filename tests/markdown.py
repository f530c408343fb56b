"""Blocks of code in a page of ours."""

import re
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    language: str
    """Empty where none is named."""
    text: str


def blocks(page: Path) -> list[Block]:
    """In their order."""
    return [Block(*found) for found in _BLOCK.findall(page.read_text())]


def without_blocks(page: Path) -> str:
    """The text around them."""
    return _BLOCK.sub("", page.read_text())
