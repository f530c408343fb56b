"""`berth squad` on files that are not SQuAD's, each scored with a model that could."""

from typing import Any

from tests.bad_inputs.case import Case
from tests.bad_inputs.valid import QUESTION, squad

_SHAPE = "give a SQuAD file, v1.1 or v2.0"
_FIRST = "bad.json, article 1 'Berth', paragraph 1, question 1 '1'"


def _file(wrong: str, says: str, content: str | bytes) -> Case:
    """All are of the same command."""
    return Case(
        wrong, "squad --model reader --eval bad.json", says, {"bad.json": content}, leaves=("runs", "runs/squad")
    )


def _question(wrong: str, says: str, **changes: Any) -> Case:
    question = {name: value for name, value in (QUESTION | changes).items() if value is not None}
    return _file(wrong, f"{_FIRST}{says}", squad(question))


CASES = (
    _file("a web page", f"bad.json: not JSON: expected value at line 1 column 1; {_SHAPE}", "<html>"),
    _file("an empty file", f"bad.json: not JSON: EOF while parsing a value at line 1 column 0; {_SHAPE}", ""),
    _file("cut short", f"bad.json: not JSON: EOF while parsing a list at line 1 column 10; {_SHAPE}", '{"data": ['),
    _file("two files in one", f"bad.json: not JSON: trailing characters at line 2 column 1; {_SHAPE}", '{"data": []}\n{"data": []}'),
    _file("no JSON of the standard", f"bad.json: not JSON: expected ident at line 1 column 12; {_SHAPE}", '{"data": Nan}'),
    _file("nested without end", f"bad.json: not JSON: recursion limit exceeded at line 1 column 202; {_SHAPE}", "[" * 9999),
    _file("UTF-16", "bad.json: not UTF-8 at byte 0; convert the file to UTF-8", squad(QUESTION).encode("utf-16")),
    _file("a list", f"bad.json: this should be an object, not []; {_SHAPE}", "[]"),
    _file("no data", f"bad.json: 'data' is missing; {_SHAPE}", '{"version": "1.1"}'),
    _file("data that is none", f"bad.json: 'data' should be a valid array, not 3; {_SHAPE}", '{"data": 3}'),
    _file("no articles", "bad.json: has no questions; give a SQuAD file with at least one", '{"data": []}'),
    _file("no questions", "bad.json: has no questions; give a SQuAD file with at least one", squad()),
    _file("a number for an article", f"bad.json, article 1: this should be an object, not 7; {_SHAPE}", '{"data": [7]}'),
    _file("an article without paragraphs", f"bad.json, article 1 'Berth': 'paragraphs' is missing; {_SHAPE}", '{"data": [{"title": "Berth"}]}'),
    _file("an empty context", "bad.json, article 1 'Berth', paragraph 1: the context is empty; remove the paragraph or give its text", squad(QUESTION, context=" \n")),
    _file("no context", f"bad.json, article 1 'Berth', paragraph 1: 'context' should be a valid string, not None; {_SHAPE}", squad(QUESTION, context=None)),
    _file("an id twice", "bad.json, article 1 'Berth', paragraph 1, question 2 '1': id '1' is taken twice; give each question an id of its own", squad(QUESTION, QUESTION)),
    _question("no question", f": 'question' is missing; {_SHAPE}", question=None),
    _question("a number for a question", f": 'question' should be a valid string, not 5; {_SHAPE}", question=5),
    _question("a text for answers", f": 'answers' should be a valid array, not 'a town'; {_SHAPE}", answers="a town"),
    _question("answers as Hugging Face's tables have them", ": 'answers' should be a valid array, not {'answer_start': [9], 'text': ['a town']}" f"; {_SHAPE}", answers={"text": ["a town"], "answer_start": [9]}),
    _question("no answer in v1.1, or v2.0 without its mark", ": has no answers; give one, or set is_impossible (v2.0)", answers=[]),
    _question("impossible, and answered", ": is_impossible, yet answered by 'a town'; remove one of the two", is_impossible=True),
    _question("yes for true", f": 'is_impossible' should be a valid boolean, not 'yes'; {_SHAPE}", is_impossible="yes"),
    _question("an empty answer", ", answer 1: the text is empty; give the answer's text, or set is_impossible (v2.0)", answers=[{"text": "", "answer_start": 0}]),
    _question("an answer one off", ", answer 1: text 'a town' is not at answer_start 10 of the context; it is at 9; offsets count characters from 0", answers=[{"text": "a town", "answer_start": 10}]),
    _question("an offset from the end", ", answer 1: text 'town.' is not at answer_start -5 of the context; it is at 11; offsets count characters from 0", answers=[{"text": "town.", "answer_start": -5}]),
    _question("an answer from elsewhere", ", answer 1: text 'Oslo' is not at answer_start 0 of the context; the context does not hold this text; offsets count characters from 0", answers=[{"text": "Oslo", "answer_start": 0}]),
    _question("an offset in quotes", f", answer 1: 'answer_start' should be a valid integer, not '9'; {_SHAPE}", answers=[{"text": "a town", "answer_start": "9"}]),
    _question("an offset with a fraction", f", answer 1: 'answer_start' should be a valid integer, not 9.5; {_SHAPE}", answers=[{"text": "a town", "answer_start": 9.5}]),
)  # fmt: skip
