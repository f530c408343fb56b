"""The cases as a page: `python -m tests.bad_inputs.table` writes README.md beside this file."""

from pathlib import Path

from tests.bad_inputs.case import Case
from tests.bad_inputs.cases import EVERY

PAGE = Path(__file__).with_name("README.md")
_TOP = """\
# What berth says to bad input

One line: where, what is wrong with which value, what to do. The exit code is 2, there is no traceback, and nothing is
left but what the right command goes on with. `test_cases.py` runs each of these; `make tables` writes this page from
`cases/`. A line that ends with `...` goes on.
"""


def page() -> str:
    """Markdown: a table for each group of cases."""
    return "\n".join([_TOP, *(part for group, cases in EVERY.items() for part in _table(group, cases))])


def _table(group: str, cases: tuple[Case, ...]) -> list[str]:
    rows = [f"| {_text(case.wrong)} | {_code(f'berth {case.command}')} | {_code(case.says)} |" for case in cases]
    return [f"## {group}\n", "| what is wrong | typed | berth says |", "|---|---|---|", *rows, ""]


def _text(text: str) -> str:
    return text.replace("|", "\\|")


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    inner = f" {text} " if "`" in text else text
    return f"{fence}{inner}{fence}".replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page())
