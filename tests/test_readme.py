"""README's commands and settings, as far as they can be looked at without what they act on.

tests/cluster/test_readme.py types those of its walk through a cluster.
"""

import contextlib
import re
import shlex
from pathlib import Path

import click
import pytest

from trainer.cli import main
from trainer.config.load import parse

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("charts/*/README.md")]
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)


def blocks(page: Path, language: str = "") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def shown() -> list[str]:
    """The lines of all blocks."""
    return [line.removeprefix("$ ") for page in PAGES for block in blocks(page) for line in block.splitlines()]


def mentioned() -> list[str]:
    """What stands between backticks in the text."""
    text = "".join(re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE) for page in PAGES)
    return re.findall(r"`([^`\n]+)`", text)


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
    [run] = [block for block in blocks(ROOT / "README.md", "yaml") if block.startswith("name:")]
    assert parse(run, "README.md").name == "my-run"
