"""All answers of a SQuAD stage, as `answers.json` holds them: each paragraph once, then the questions about it.

Written when the stage ends, read for the report. Places are counted in characters (code points) of the context.
"""

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Paragraph(_Record):
    """A context with the title of its article."""

    title: str
    context: str


class Gold(_Record):
    """An expected answer: `context[start : start + len(text)] == text`."""

    text: str
    start: int


class Candidate(_Record):
    """One of the n best; an empty text is "there is no answer"."""

    text: str
    probability: float


class Answer(_Record):
    """A question with the answer that was given; an empty text is "there is no answer"."""

    id: str
    paragraph: int
    """Counted from 0."""
    question: str
    gold: tuple[Gold, ...]
    """None where there is no answer."""
    prediction: str
    exact: bool
    f1: float
    """0 to 1."""
    n_best: tuple[Candidate, ...] = ()
    """The first of them, best first, and the one that was given."""
    null_odds: float | None = None
    """The null answer's score minus the best span's; v2.0 only."""

    @property
    def probability(self) -> float | None:
        """Of the answer that was given, among the n best."""
        return next((each.probability for each in self.n_best if each.text == self.prediction), None)


class Answers(_Record):
    """The answers to a file of questions, in its order."""

    paragraphs: tuple[Paragraph, ...] = ()
    answers: tuple[Answer, ...] = ()

    @model_validator(mode="after")
    def _paragraphs_are_there(self) -> Self:
        for answer in self.answers:
            if not 0 <= answer.paragraph < len(self.paragraphs):
                raise ValueError(f"question {answer.id!r} is about paragraph {answer.paragraph}, which is not there")
        return self

    def context(self, answer: Answer) -> str:
        """What the question is about."""
        return self.paragraphs[answer.paragraph].context

    def title(self, answer: Answer) -> str:
        """The article of the context."""
        return self.paragraphs[answer.paragraph].title
