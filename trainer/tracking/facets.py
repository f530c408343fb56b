"""By what answers are told apart: the kind of question, lengths, the article, and how the answer came out.

In: the answers. Out: facets, each of which gives every answer one of a few options; the report filters by them, and
shows the scores of those that the question alone decides. Lengths are in words, that is, between white space.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.tracking.answers import Answer, Answers

OTHER = "other"
QUESTION_TYPES = ("what", "who", "when", "where", "why", "which", "how", "how many", OTHER)

_QUESTION_WORD = re.compile(r"\b(what|who(?:m|se)?|when|where|why|which|how(?:\s+(?:many|much))?)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Facet:
    """Each answer has one of the options, and each option some answer."""

    label: str
    options: tuple[str, ...]
    values: NDArray[np.intp]
    """(A,): the index of each answer's option."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The scores of the answers with one option, in percent."""

    option: str
    count: int
    exact: float
    f1: float


def question_type(question: str) -> str:
    """The first question word: "In what year did ..." is `what`.

    "Whom" and "whose" count as `who`, "how much" as `how many`; a question without any of these words is `other`.
    """
    found = _QUESTION_WORD.search(question)
    word = " ".join(found[1].lower().split()) if found else OTHER
    return {"whom": "who", "whose": "who", "how much": "how many"}.get(word, word)


def outcomes(answers: Answers) -> list[Facet]:
    """What the model decided; a facet with a single option is left out."""
    return _facets(
        answers,
        ("Verdict", ("right", "wrong"), lambda answer: "right" if answer.exact else "wrong"),
        ("F1", ("0", "1 to 49", "50 to 99", "100"), lambda answer: _band(answer.f1)),
        ("Answered", ("an answer", "no answer"), lambda answer: _has(bool(answer.prediction))),
        ("Expected", ("an answer", "no answer"), lambda answer: _has(bool(answer.gold))),
    )


def kinds(answers: Answers) -> list[Facet]:
    """What the question is; a facet with a single option is left out, the articles come last."""
    question, text, answer = _Lengths(7, 10, 14), _Lengths(80, 110, 150), _Lengths(1, 2, 3, 6)
    return _facets(
        answers,
        ("Question type", QUESTION_TYPES, lambda each: question_type(each.question)),
        (
            "Answer length",
            ("no answer", *answer.options),
            lambda each: answer.option(each.gold[0].text) if each.gold else "no answer",
        ),
        ("Question length", question.options, lambda each: question.option(each.question)),
        ("Text length", text.options, lambda each: text.option(answers.context(each))),
        ("Article", tuple(dict.fromkeys(_named(each.title) for each in answers.paragraphs)), _title_in(answers)),
    )


def tallies(facet: Facet, answers: Answers) -> list[Tally]:
    """The scores of each option, in the options' order."""
    counts = np.bincount(facet.values, minlength=len(facet.options))
    exact, f1 = (
        100 * np.bincount(facet.values, weights=[getattr(answer, name) for answer in answers.answers]) / counts
        for name in ("exact", "f1")
    )
    return [Tally(*row) for row in zip(facet.options, counts.tolist(), exact.tolist(), f1.tolist(), strict=True)]


class _Lengths:
    """Bins of lengths in words, named by their ends."""

    def __init__(self, *last: int) -> None:
        self._last = last
        first = (1, *(end + 1 for end in last[:-1]))
        bins = [f"{low} to {high}" if low < high else f"{low}" for low, high in zip(first, last, strict=True)]
        words = "word" if last[0] == 1 else "words"
        self.options = (f"{bins[0]} {words}", *(f"{each} words" for each in bins[1:]), f"over {last[-1]} words")

    def option(self, text: str) -> str:
        return self.options[int(np.searchsorted(self._last, len(text.split())))]


def _facets(answers: Answers, *rules: tuple[str, Sequence[str], Callable[[Answer], str]]) -> list[Facet]:
    found: list[Facet] = []
    for label, options, option in rules:
        chosen = [option(answer) for answer in answers.answers]
        there = set(chosen)
        kept = tuple(each for each in options if each in there)
        if len(kept) > 1:
            index = {each: number for number, each in enumerate(kept)}
            found.append(Facet(label, kept, np.array([index[each] for each in chosen])))
    return found


def _band(f1: float) -> str:
    if f1 in (0, 1):
        return "100" if f1 else "0"
    return "1 to 49" if f1 < 0.5 else "50 to 99"


def _has(answer: bool) -> str:
    return "an answer" if answer else "no answer"


def _title_in(answers: Answers) -> Callable[[Answer], str]:
    return lambda answer: _named(answers.title(answer))


def _named(title: str) -> str:
    """SQuAD's titles are those of Wikipedia's addresses."""
    return title.replace("_", " ") or "without a title"
