"""SQuAD files, and what tokens make of any text: each window's offsets lie in the text and name what they cover."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.damage import REFUSED, at_length, damaged
from trainer.data import vocab
from trainer.squad import examples
from trainer.squad.examples import Example
from trainer.squad.features import convert

CONTEXT = "Berth is a town at the sea. Caf\u00e9s stand in Cafe\u0301 Street \U0001f6a2; 3,300 people live there."
QUESTIONS = [
    {
        "id": "1",
        "question": "What is Berth?",
        "answers": [{"text": "a town", "answer_start": 9}],
        "is_impossible": False,
    },
    {
        "id": "2",
        "question": "Who?",
        "answers": [],
        "is_impossible": True,
        "plausible_answers": [{"text": "Berth", "answer_start": 0}],
    },
]
FILE = {"version": "v2.0", "data": [{"title": "Berth", "paragraphs": [{"context": CONTEXT, "qas": QUESTIONS}]}]}
SIZES = {"max_length": 24, "doc_stride": 8, "max_query_length": 8}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz")
    pieces = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *"abcdefghijklmnopqrstuvwxyz",
        *(f"##{c}" for c in "abcdeost"),
        "town",
        ".",
    ]
    (folder / "vocab.txt").write_text("\n".join(pieces))
    return folder


def assert_windows_name_their_text(found: list[Example], folder: Path, lowercase: bool) -> None:
    tokenizer = vocab.load(str(folder / "vocab.txt"), lowercase)
    windows = convert(found, tokenizer, **SIZES)
    assert {window.example_index for window in windows} == set(range(len(found)))
    for window in windows:
        starts, ends = window.offsets.T
        assert (starts <= ends).all()
        assert (ends[:-1] <= starts[1:]).all()
        assert not len(ends) or ends[-1] <= len(found[window.example_index].context)
        assert len(window.input_ids) <= SIZES["max_length"]


@at_length
@given(data=damaged(json.dumps(FILE, ensure_ascii=False).encode()))
def test_a_file(folder: Path, data: bytes) -> None:
    file = folder / "x.json"
    file.write_bytes(data)
    with contextlib.suppress(REFUSED):
        assert_windows_name_their_text(examples.load(str(file)).examples, folder, lowercase=True)


@at_length
@given(context=st.text(min_size=1, max_size=80), question=st.text(max_size=20), lowercase=st.booleans(), draw=st.data())
def test_any_text(folder: Path, context: str, question: str, lowercase: bool, draw: st.DataObject) -> None:
    start = draw.draw(st.integers(0, len(context) - 1))
    end = draw.draw(st.integers(start + 1, len(context)))
    example = Example("1", "Berth", question, context, (examples.Answer(context[start:end], start),))
    assert_windows_name_their_text([example], folder, lowercase)
