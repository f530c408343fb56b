"""Real text of any size, from twelve books and WikiText, and the machine that it was measured on."""

import os
import platform
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from rich.console import Console
from rich.table import Table

from trainer.config.corpus import Source
from trainer.data.sources import documents

DATA = Path(os.environ.get("BERTH_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
MB = 1_000_000
"""Bytes of UTF-8, here and in all tables."""
_DOCUMENT_CHARACTERS = 10_000
"""Of an article made of a book's paragraphs; the longer ones of Wikipedia are so long."""


def books() -> list[str]:
    """Twelve books, each a string, without Project Gutenberg's header and footer."""
    uri = str(DATA / "books")
    return list(documents(Source(path=uri, format="books"), uri))


def paragraphs(text: str) -> list[str]:
    """What stands between blank lines, single-spaced."""
    blocks = "\n".join(line.strip() for line in text.splitlines()).split("\n\n")
    return [block for block in (" ".join(block.split()) for block in blocks) if block]


def articles() -> list[str]:
    """The books and WikiText, cut into documents of ordinary length."""
    texts = [*books(), (DATA / "text" / "wikitext-2-raw-test.txt").read_text()]
    return [article for text in texts for article in _articles(paragraphs(text))]


def repeated(megabytes: float) -> Iterator[str]:
    """Documents of so many MB in all: the articles again and again, each under a header that stands nowhere else."""
    left = megabytes * MB
    once = articles()
    for number in count():
        article = f"Article {number} of {number // len(once) + 1}.\n{once[number % len(once)]}"
        left -= len(article.encode()) + 2
        yield article
        if left <= 0:
            return


def write(file: Path, megabytes: float) -> list[str]:
    """A file for the format `text`: documents between blank lines; gives them back."""
    written = list(repeated(megabytes))
    file.write_text("".join(f"{article}\n\n" for article in written))
    return written


def machine() -> str:
    """The CPU, and how many of its cores this process may use."""
    with Path("/proc/cpuinfo").open() as lines:
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.machine()
    return f"{name}, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}"


def show(title: str, columns: list[str], rows: list[list[str]], *notes: str) -> None:
    """Print a table, the first column of names, the others of figures, and the machine below it."""
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    console = Console(width=110, highlight=False)
    console.print(table)
    for note in (*notes, machine()):
        console.print(note)


def _articles(blocks: list[str]) -> Iterator[str]:
    article: list[str] = []
    characters = 0
    for block in blocks:
        article.append(block)
        characters += len(block)
        if characters >= _DOCUMENT_CHARACTERS:
            yield "\n".join(article)
            article, characters = [], 0
    if article:
        yield "\n".join(article)
