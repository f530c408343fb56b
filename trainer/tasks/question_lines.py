"""Questions as JSON Lines: `{"question": ..., "context": ..., "id": ...}` a line in, an answer a line out.

Each line that is not blank gives one line, in the same order. A line that is no question gives one that says so, and
the others are answered all the same: a long list is not lost for one of its lines.
"""

import json
import reprlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import IO

from pydantic import BaseModel, ConfigDict, ValidationError

from trainer.errors import DataError
from trainer.tasks.question_answering import Answer, QuestionAnswering

LONGEST_LINE = 64_000_000
"""Bytes. A file with a longer one is of another kind; it is refused before it fills the memory."""


@dataclass(frozen=True, slots=True)
class Question:
    """A line. `fault` says what is wrong with it, and is empty where nothing is."""

    number: int
    """The line's, counted from 1."""
    id: str | int
    """That which the line gives, else the number."""
    question: str = ""
    context: str = ""
    fault: str = ""


class _Line(BaseModel):
    model_config = ConfigDict(strict=True)

    question: str
    context: str | None = None
    id: str | int | None = None


def read(stream: IO[bytes], where: str, context: str | None = None) -> Iterator[Question]:
    """The questions of a stream, line by line; blank lines are passed over, and so is a byte-order mark.

    Args:
        stream: lines of UTF-8, which end as they like.
        where: the stream's name, for errors.
        context: what a line is about that has no context of its own.

    Raises:
        DataError: a line is longer than `LONGEST_LINE`.
    """
    for number, line in enumerate(iter(lambda: stream.readline(LONGEST_LINE + 1), b""), start=1):
        if len(line) > LONGEST_LINE:
            problem = f"line {number} is longer than {LONGEST_LINE // 10**6} MB"
            raise DataError(where, problem, "give one JSON object a line")
        text = (line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line).strip()
        if text:
            yield _question(text, number, context)


def answered(
    reader: QuestionAnswering, questions: Iterable[Question], batch_size: int
) -> Iterator[tuple[Question, Answer | None]]:
    """Each question with its answer, in order, `batch_size` read at a time; None for a line that is no question."""
    lines = iter(questions)
    while batch := list(islice(lines, batch_size)):
        answers = reader.answers(((line.question, line.context) for line in batch if not line.fault), batch_size)
        yield from ((line, None if line.fault else next(answers)) for line in batch)


def written(question: Question, answer: Answer | None) -> bytes:
    """A line of JSON: the answer, or what is wrong with the question under `error`."""
    fields = (
        {"line": question.number, "error": question.fault}
        if answer is None
        else {
            "id": question.id,
            "answer": answer.text,
            "probability": round(answer.probability, 6),
            "start": answer.start,
            "end": answer.end,
        }
    )
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def _question(line: bytes, number: int, context: str | None) -> Question:
    try:
        given = _Line.model_validate_json(line)
    except ValidationError as error:
        return Question(number, number, fault=_fault(error))
    of = given.context if given.context is not None else context
    fault = "has no 'context'" if of is None else ""
    for name, text in (("question", given.question), ("context", of)):
        if text is not None and not text.strip():
            fault = f"{name!r} is empty"
    return Question(number, number if given.id is None else given.id, given.question, of or "", fault)


def _fault(error: ValidationError) -> str:
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return f"is not JSON: {first['msg'].removeprefix('Invalid JSON: ').replace(' at line 1 column', ' in column')}"
    if first["type"] == "missing":
        return f"has no {first['loc'][0]!r}"
    if not first["loc"]:
        return f"is no JSON object but {reprlib.repr(first['input'])}"
    kinds = " or ".join(each["msg"].removeprefix("Input should be a valid ") for each in error.errors())
    return f"{first['loc'][0]!r} is {reprlib.repr(first['input'])}, not a {kinds}"
