"""SQuAD files and lines of JSON made to harm: their reader, the terminal that shows what is wrong with them.

What a browser makes of them is in tests/tracking/test_report_in_browser.py; too much of them in test_oversized.py.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.data.sources.reading import texts
from trainer.errors import DataError
from trainer.squad import examples

STEERING = "\x1b]0;mine\x07\x1b[2J\r\n\u2028\u202e\x9b31m"
"""Sets a terminal's title, wipes it, begins lines, turns the direction of writing."""


def squad(title: str = "T", start: Any = 1, text: str = "b", question: str = "q", context: str = "abc") -> str:
    asked = {"id": title, "question": question, "answers": [{"text": text, "answer_start": start}]}
    return json.dumps({"data": [{"title": title, "paragraphs": [{"context": context, "qas": [asked]}]}]})


@pytest.mark.parametrize(
    "content",
    [
        squad(start=10**30),
        squad(start=-1),
        squad(start=1.5),
        squad(start="1"),
        squad(start=True),
        squad(start=[[[[]]]]),
        squad(start=float("nan")),
        squad(STEERING, text=STEERING),
        squad(text="x" * 1_000_000),
        squad("\ud800"),
        squad(context="\ud83d", text="\ud83d", start=0),
        '{"data": ' + "[" * 100_000,
        '{"data": ' + '{"data": ' * 100_000,
        '{"data": [{"paragraphs": [{"context": "abc", "qas": [{"id": ' + "1" * 10_000 + "}]}]}]}",
        '{"data": 1, "data": [], "data": 2}',
        "\x00" * 1000,
        "\ufeff" * 3,
    ],
    ids=[
        *("huge", "negative", "half", "text", "truth", "nested", "no number", "steering", "long", "half a pair"),
        *("half a pair of text", "deep", "deep objects", "digits", "thrice", "zeros", "marks"),
    ],
)
def test_a_file_that_is_made_to_harm_is_refused_in_a_line(tmp_path: Path, content: str) -> None:
    file = tmp_path / "train.json"
    file.write_text(content)
    with pytest.raises(DataError) as caught:
        examples.load(str(file))
    line = str(caught.value)
    assert line.isprintable()
    assert len(line) < 1000


@pytest.mark.parametrize(
    "line", [STEERING, '"\u2028\u202e\x9b2J"', "[" * 1_000_000, '{"text": ' * 100_000, "1" * 10_000]
)
def test_a_line_that_is_made_to_harm_is_refused_in_a_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.jsonl").write_text(f'{{"text": "A town."}}\n{line}\n')
    with pytest.raises(DataError) as caught:
        texts(tmp_path / "a.jsonl", "jsonl")
    said = str(caught.value)
    assert "line 2" in said
    assert said.isprintable()
    assert len(said) < 1000
