"""README's commands and settings, as far as they can be looked at without what they act on.

tests/cluster/test_readme.py types those of its walk through a cluster.
"""

import contextlib
import re
import shlex
from pathlib import Path

import click
import pytest

from tests.markdown import README, blocks, readme, without_blocks
from trainer.cli import main
from trainer.config.load import parse

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "tests/benchmarks/README.md")),
    *ROOT.glob("charts/*/README.md"),
]
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)


def shown() -> list[str]:
    """The lines of all blocks that are of no language."""
    texts = [block.text for page in PAGES for block in blocks(page) if not block.language]
    return [line.removeprefix("$ ") for text in texts for line in text.splitlines()]


def mentioned() -> list[str]:
    """What stands between backticks in the text."""
    text = "".join(without_blocks(page) for page in PAGES)
    return [" ".join(found.split()) for found in re.findall(r"`([^`]+)`", text)]


def commands(program: str, lines: list[str]) -> list[list[str]]:
    """The words after it of each command that calls it."""
    parts = [part.strip() for line in lines for part in re.split(r"[;<>|]|&&", line)]
    return [shlex.split(part, comments=True)[1:] for part in parts if part.startswith(f"{program} ")]


def parsed(words: list[str]) -> None:
    with click.Context(main) as parent:
        name, command, arguments = main.resolve_command(parent, words)
        assert command is not None
        command.make_context(name, arguments, parent=parent)


@pytest.mark.parametrize("words", commands("berth", shown()), ids=" ".join)
def test_a_command_that_is_shown_is_whole(words: list[str]) -> None:
    parsed(words)


@pytest.mark.parametrize("words", commands("berth", mentioned()), ids=" ".join)
def test_a_command_that_is_mentioned_has_these_options(words: list[str]) -> None:
    with contextlib.suppress(click.MissingParameter):
        parsed(words)


@pytest.mark.parametrize("words", commands("make", [*shown(), *mentioned()]), ids=" ".join)
def test_a_target_of_make_is_there(words: list[str]) -> None:
    assert next(word for word in words if "=" not in word) in TARGETS


def test_the_run_that_is_shown_can_be_read() -> None:
    assert parse(readme("name:"), "README.md").name == "my-run"


def test_a_stranger_reads_it_in_ten_minutes() -> None:
    words = [word for word in without_blocks(README).split() if re.search(r"\w", word)]
    assert len(words) <= 10 * 240, "240 words a minute; figures belong into tests/benchmarks/README.md"
