import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.sources.reading import texts
from trainer import storage
from trainer.errors import DataError


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])).filter(str.strip), min_size=1), st.booleans())
def test_every_text_is_read_back(written: list[str], ascii_only: bool) -> None:
    rows = "".join(json.dumps({"id": 1, "text": text}, ensure_ascii=ascii_only) + "\n" for text in written)
    storage.write_text("memory://test-jsonl/a.jsonl", rows)
    assert texts("memory://test-jsonl/a.jsonl", "jsonl") == written


def test_the_field_may_have_any_name_and_the_file_be_compressed(tmp_path: Path) -> None:
    rows = b'{"text": 3, "body": "one"}\r\n\r\n{"body": null}\n{"body": "two"}'
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(rows))
    assert texts(tmp_path, "jsonl", field="body") == ["one", "two"]


def test_half_a_surrogate_pair_becomes_a_question_mark(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(r'{"text": "a \ud800 b \ud83d\ude00"}')
    assert texts(tmp_path, "jsonl") == ["a ? b 😀"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{'text': 'one'}", r"line 2 is not JSON \(Expecting property name enclosed in double quotes in column 2\)"),
        ('{"text": "cut', r"line 2 is not JSON \(Unterminated string starting at in column 10\)"),
        ("[" * 100_000, r"line 2 is not JSON \("),
        ("1" * 5000, r"line 2 is not JSON \("),
        ('["one"]', r"line 2 is no JSON object: \[\"one\"\]; give one JSON object a line"),
        ('{"body": "one", "id": 3}', r"line 2 has no field 'text'; its fields are body, id; set the source's `field`"),
        ("{}", r"line 2 has no field 'text'; its fields are none"),
        ('{"text": ["one"]}', r"line 2: 'text' is no text but \[\"one\"\]; set the source's `field`"),
    ],
)
def test_a_line_that_is_no_row_is_refused_with_its_number(tmp_path: Path, line: str, problem: str) -> None:
    (tmp_path / "a.jsonl").write_text(f'{{"text": "zero"}}\n{line}\n')
    with pytest.raises(DataError, match=rf"a\.jsonl: {problem}"):
        texts(tmp_path, "jsonl")
