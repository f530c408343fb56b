"""SECURITY.md names a test for each threat: the tests are there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
THREATS = (ROOT / "SECURITY.md").read_text().partition("## Threats")[2].partition("\n## ")[0]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_every_threat_has_a_test() -> None:
    rows = [line for line in THREATS.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 10
    assert [row for row in rows if not NAMED.search(row.rsplit("|", 2)[1])] == []


def test_every_test_that_is_named_is_there() -> None:
    for file, name in NAMED.findall(THREATS):
        functions = [
            node.name for node in ast.parse((ROOT / file).read_text()).body if isinstance(node, ast.FunctionDef)
        ]
        assert name in functions, f"{file}::{name}"
        assert name.startswith("test_")
