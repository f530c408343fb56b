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


def test_an_impossible_question_makes_a_file_version_2(load_json):
    dataset = load_json(squad(question(is_impossible=False), question(id="q2", is_impossible=True, answers=[])))
    assert dataset.version_2
    assert [example.is_impossible for example in dataset.examples] == [False, True]


@pytest.mark.parametrize("label", ["1.1", "v2.0", None])
def test_what_a_file_says_of_its_version_does_not_count(load_json, label: str | None):
    """v1.1 given as v2.0 is scored as what it is, and so is v2.0 given as v1.1."""
    assert not load_json(squad(question(is_impossible=False)) | {"version": label}).version_2
    assert load_json(squad(question(is_impossible=True, answers=[])) | {"version": label}).version_2


# Made up, in the shapes that the files of these have.
SHAPES = {
    "XQuAD": {
        "version": "1.1",
        "data": [{
            "title": "أوسلو",
            "paragraphs": [{
                "context": "أوسلو هي عاصمة النرويج.",
                "qas": [{
                    "id": "56beb4343aeaaa14008c925b",
                    "question": "ما هي عاصمة النرويج؟",
                    "answers": [{"text": "أوسلو", "answer_start": 0}],
                }],
            }],
        }],
    },
    "KorQuAD 1": {
        "version": "KorQuAD_v1.0_dev",
        "data": [{
            "title": "오슬로",
            "paragraphs": [{
                "context": "오슬로는 노르웨이의 수도이다.",
                "qas": [{
                    "id": "6548850-0-0",
                    "question": "노르웨이의 수도는?",
                    "answers": [{"text": "오슬로", "answer_start": 0}],
                }],
            }],
        }],
    },
    "GermanQuAD": {
        "data": [{
            "paragraphs": [{
                "document_id": 49038,
                "context": "Recht\n\nOslo ist die Hauptstadt.",
                "qas": [{
                    "id": 38348,
                    "question": "Was ist Oslo?",
                    "is_impossible": False,
                    "answers": [{
                        "answer_id": 53257,
                        "document_id": 49038,
                        "question_id": 38348,
                        "answer_category": "SHORT",
                        "text": "die Hauptstadt",
                        "answer_start": 16,
                    }],
                }],
            }],
        }],
    },
    "BioASQ": {
        "version": "BioASQ6b",
        "data": [{
            "title": "BioASQ6b",
            "paragraphs": [
                {
                    "context": "Imatinib inhibits BCR-ABL and KIT.",
                    "qas": [{
                        "id": f"55031181e9bde69634000014_{number:03}",
                        "question": "What does imatinib inhibit?",
                        "answers": [{"text": text, "answer_start": start}],
                    }],
                }
                for number, (text, start) in enumerate([("BCR-ABL", 18), ("KIT", 30)], 1)
            ],
        }],
    },
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_files_in_the_shape_of_squad_are_read(load_json, name: str):
    dataset = load_json(SHAPES[name])
    (qas, *_) = (paragraph["qas"] for paragraph in SHAPES[name]["data"][0]["paragraphs"])
    assert not dataset.version_2
    assert dataset.examples[0].id == str(qas[0]["id"])
    assert dataset.examples[0].answers[0].text == qas[0]["answers"][0]["text"]


def test_one_context_may_stand_in_many_paragraphs(load_json):
    first, second = load_json(SHAPES["BioASQ"]).examples
    assert first.context == second.context
    assert (first.id, second.id) == ("55031181e9bde69634000014_001", "55031181e9bde69634000014_002")


def test_a_context_of_100_000_characters_is_read(load_json):
    context = CONTEXT + " x" * 50_000
    assert load_json(squad(question(), context=context)).examples[0].context == context


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
        (
            squad({"id": "55031181e9bde69634000014_001", "question": "unanswered, as BioASQ's test files are"}),
            "article 1 'Oslo', paragraph 1, question 1 '55031181e9bde69634000014_001': has no answers; ",
        ),
        (
            squad(question(answers={"text": ["the capital"], "answer_start": [8]})),  # as Hugging Face's tables have it
            "question 1 'q1': 'answers' should be a valid array, not {",
        ),
        (squad(question(id=17), question(id="17")), "paragraph 1, question 2 '17': id '17' is taken twice; "),
        ('{"data": [', "squad.json: not JSON: EOF while parsing a list at line 1 column 10; "),
        ('{"data": []}\n{"data": []}', "squad.json: not JSON: trailing characters at line 2 column 1; "),
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
