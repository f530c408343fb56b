"""SQuAD JSON, v1.1 or v2.0 (Rajpurkar et al. 2016, 2018) -> questions with their contexts and gold answers.

The file is checked whole before anything is trained on it: an answer that is not where the file says it is would teach
a wrong span, silently. The first fault is told with its article, paragraph and question. A byte-order mark, gzip and
fields that SQuAD does not know are fine; integer ids become strings, as prediction files have them.
"""

import json
import reprlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trainer import storage
from trainer.errors import DataError

_NOUNS = {"data": "article", "paragraphs": "paragraph", "qas": "question", "answers": "answer"}

_Path = tuple[str | int, ...]
_Refusal = Callable[[_Path, str, str], DataError]


@dataclass(frozen=True, slots=True)
class Answer:
    """A gold answer: `context[start : start + len(text)] == text`, in characters."""

    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Example:
    """A question about a context. The first answer is the one to train on, all of them count in scoring."""

    id: str
    title: str
    question: str
    context: str
    answers: tuple[Answer, ...]

    @property
    def is_impossible(self) -> bool:
        return not self.answers


@dataclass(frozen=True, slots=True)
class Dataset:
    """The questions of a file, in its order; `version_2` says that some may be impossible to answer."""

    version_2: bool
    examples: list[Example]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True)


class _Answer(_Strict):
    text: str
    answer_start: int


class _Question(_Strict):
    id: Annotated[str, Field(strict=False, coerce_numbers_to_str=True)]
    question: str
    answers: list[_Answer] = []
    is_impossible: bool | None = None


class _Paragraph(_Strict):
    context: str
    qas: list[_Question]


class _Article(_Strict):
    title: str = ""
    paragraphs: list[_Paragraph]


class _File(_Strict):
    data: list[_Article]


def load(uri: str) -> Dataset:
    """The questions of a SQuAD file. It is v2.0 if any of them is impossible, whatever its field `version` says.

    Raises:
        StorageError: the file cannot be read or is not UTF-8.
        DataError: it is not JSON, has another shape, no questions, an empty context, an id twice, an answer that is not
            at its offset, or a question with neither an answer nor `is_impossible` (or with both).
    """
    text = storage.read_text(uri)

    def refusal(path: _Path, problem: str, remedy: str) -> DataError:
        return DataError(", ".join([uri, *_place(json.loads(text), path)]), problem, remedy)

    file = _parse(uri, text, refusal)
    examples = list(_examples(file, refusal))
    if not examples:
        raise DataError(uri, "has no questions", "give a SQuAD file with at least one")
    return Dataset(any(example.is_impossible for example in examples), examples)


def _parse(uri: str, text: str, refusal: _Refusal) -> _File:
    try:
        return _File.model_validate_json(text)
    except ValidationError as error:
        fault = error.errors()[0]
        remedy = "give a SQuAD file, v1.1 or v2.0"
        if fault["type"] == "json_invalid":
            raise DataError(uri, f"not JSON: {fault['msg'].removeprefix('Invalid JSON: ')}", remedy) from error
        path = fault["loc"]
        is_field = bool(path) and isinstance(path[-1], str)
        subject = f"'{path[-1]}'" if is_field else "this"
        problem = f"{fault['msg'].replace('Input', subject, 1)}, not {reprlib.repr(fault['input'])}"
        if fault["type"] == "missing":
            problem = f"{subject} is missing"
        raise refusal(path[:-1] if is_field else path, problem, remedy) from error


def _examples(file: _File, refusal: _Refusal) -> Iterator[Example]:
    seen: set[str] = set()
    for article_index, article in enumerate(file.data):
        for paragraph_index, paragraph in enumerate(article.paragraphs):
            path: _Path = ("data", article_index, "paragraphs", paragraph_index)
            if not paragraph.context.strip():
                raise refusal(path, "the context is empty", "remove the paragraph or give its text")
            for question_index, question in enumerate(paragraph.qas):
                place = (*path, "qas", question_index)
                if question.id in seen:
                    raise refusal(place, f"id {question.id!r} is taken twice", "give each question an id of its own")
                seen.add(question.id)
                answers = _answers(question, paragraph.context, place, refusal)
                yield Example(question.id, article.title, question.question, paragraph.context, answers)


def _answers(question: _Question, context: str, path: _Path, refusal: _Refusal) -> tuple[Answer, ...]:
    if question.is_impossible and question.answers:
        text = reprlib.repr(question.answers[0].text)
        raise refusal(path, f"is_impossible, yet answered by {text}", "remove one of the two")
    if not question.is_impossible and not question.answers:
        raise refusal(path, "has no answers", "give one, or set is_impossible (v2.0)")
    for index, answer in enumerate(question.answers):
        place = (*path, "answers", index)
        start = answer.answer_start
        if not answer.text:
            raise refusal(place, "the text is empty", "give the answer's text, or set is_impossible (v2.0)")
        if start < 0 or not context.startswith(answer.text, start):
            found = context.find(answer.text)
            problem = f"text {reprlib.repr(answer.text)} is not at answer_start {start} of the context"
            hint = "the context does not hold this text" if found < 0 else f"it is at {found}"
            raise refusal(place, problem, f"{hint}; offsets count characters from 0")
    return tuple(Answer(answer.text, answer.answer_start) for answer in question.answers)


def _place(content: Any, path: _Path) -> Iterator[str]:
    """`article 4 'Super_Bowl_50'`, `paragraph 3`, `question 1 '56be4db0acb8001400a502ec'`, counted from 1."""
    noun = ""
    for step in path:
        content = content[step]
        if isinstance(step, str):
            noun = _NOUNS[step]
        else:
            names: dict[str, Any] = content if isinstance(content, dict) else {}
            name = names.get("title") or names.get("id")
            yield f"{noun} {step + 1} {name!r}" if isinstance(name, str | int) else f"{noun} {step + 1}"
