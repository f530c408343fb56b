"""SQuAD files are read whole and exactly, or refused with the place of the fault."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from trainer.errors import DataError
from trainer.squad.examples import Answer, Example, load

CONTEXT = "Oslo is the capital of Norway."


def question(**changes: Any) -> dict[str, Any]:
    fields = {"id": "q1", "question": "What is Oslo?", "answers": [{"text": "the capital", "answer_start": 8}]}
    return fields | changes


def squad(*questions: dict[str, Any], context: str = CONTEXT) -> dict[str, Any]:
    return {"version": "1.1", "data": [{"title": "Oslo", "paragraphs": [{"context": context, "qas": list(questions)}]}]}


@pytest.fixture
def load_json(tmp_path: Path):
    def write_and_load(content: Any):
        path = tmp_path / "squad.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return load(str(path))

    return write_and_load


def test_a_question_keeps_its_title_context_and_answers(load_json):
    dataset = load_json(squad(question()))
    assert not dataset.version_2
    assert dataset.examples == [Example("q1", "Oslo", "What is Oslo?", CONTEXT, (Answer("the capital", 8),))]
    assert not dataset.examples[0].is_impossible
    assert CONTEXT[8 : dataset.examples[0].answers[0].end] == "the capital"


def test_is_impossible_makes_a_file_version_2(load_json):
    dataset = load_json(squad(question(is_impossible=False), question(id="q2", is_impossible=True, answers=[])))
    assert dataset.version_2
    assert [example.is_impossible for example in dataset.examples] == [False, True]


def test_unknown_fields_a_byte_order_mark_and_line_breaks_of_windows_do_no_harm(load_json):
    content = squad(question(hint=1, plausible_answers=[]), context="Oslo is\r\n the capital.")
    content["data"][0]["paragraphs"][0]["qas"][0]["answers"][0]["answer_start"] = 10
    dataset = load_json("\ufeff" + json.dumps(content, indent=1).replace("\n", "\r\n"))
    assert dataset.examples[0].context == "Oslo is\r\n the capital."


def test_ids_that_are_numbers_become_strings(load_json):
    assert load_json(squad(question(id=17))).examples[0].id == "17"


def test_offsets_count_characters_not_bytes_or_utf_16_units(load_json):
    context = "😀 Ǻ Oslo"
    assert load_json(squad(question(answers=[{"text": "Oslo", "answer_start": 4}]), context=context)).examples
    with pytest.raises(DataError, match="it is at 4; offsets count characters from 0"):
        load_json(squad(question(answers=[{"text": "Oslo", "answer_start": 5}]), context=context))


def test_gzip_is_unpacked(tmp_path: Path):
    path = tmp_path / "squad.json.gz"
    path.write_bytes(gzip.compress(json.dumps(squad(question())).encode()))
    assert len(load(str(path)).examples) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<html>", "squad.json: not JSON: expected value at line 1 column 1; give a SQuAD file"),
        ("[]", "squad.json: this should be an object, not []; give a SQuAD file"),
        ({"version": "1.1"}, "squad.json: 'data' is missing; "),
        ({"data": []}, "squad.json: has no questions; "),
        ({"data": [7]}, "squad.json, article 1: this should be an object, not 7; "),
        ({"data": [{"title": "Oslo"}]}, "squad.json, article 1 'Oslo': 'paragraphs' is missing; "),
        (squad(question(), context=" \n"), "article 1 'Oslo', paragraph 1: the context is empty; "),
        (squad({"id": "q1"}), "article 1 'Oslo', paragraph 1, question 1 'q1': 'question' is missing; "),
        (squad(question(question=5)), "question 1 'q1': 'question' should be a valid string, not 5; "),
        (squad(question(answers="Oslo")), "question 1 'q1': 'answers' should be a valid array, not 'Oslo'; "),
        (squad(question(), question()), "paragraph 1, question 2 'q1': id 'q1' is taken twice; "),
        (squad(question(answers=[])), "question 1 'q1': has no answers; give one, or set is_impossible"),
        (squad(question(is_impossible=True)), "question 1 'q1': is_impossible, yet answered by 'the capital'; "),
        (
            squad(question(answers=[{"text": "the capital", "answer_start": "8"}])),
            "question 1 'q1', answer 1: 'answer_start' should be a valid integer, not '8'; ",
        ),
        (
            squad(question(answers=[{"text": "the capital", "answer_start": 9}])),
            "answer 1: text 'the capital' is not at answer_start 9 of the context; it is at 8; ",
        ),
        (
            squad(question(answers=[{"text": "Norway.", "answer_start": -7}])),
            "answer 1: text 'Norway.' is not at answer_start -7 of the context; it is at 23; ",
        ),
        (
            squad(question(answers=[{"text": "Bergen", "answer_start": 0}])),
            "answer 1: text 'Bergen' is not at answer_start 0 of the context; the context does not hold this text; ",
        ),
        (squad(question(answers=[{"text": "", "answer_start": 0}])), "answer 1: the text is empty; "),
    ],
)
def test_a_faulty_file_is_refused_with_the_place_of_the_fault(load_json, content: Any, message: str):
    with pytest.raises(DataError) as refusal:
        load_json(content)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "version_2", "questions", "impossible"),
    [
        ("dev-v1.1", False, 10_570, 0),
        ("dev-v2.0-reconstructed", True, 11_873, 5_945),
        ("train-v1.1-12-articles", False, 4_370, 0),
    ],
)
def test_the_real_files_hold_their_known_numbers_of_questions(
    shared_data: Path, name: str, version_2: bool, questions: int, impossible: int
):
    dataset = load(str(shared_data / "squad" / f"{name}.json.gz"))
    assert dataset.version_2 == version_2
    assert len(dataset.examples) == questions
    assert sum(example.is_impossible for example in dataset.examples) == impossible
