"""What the report shows of a stage's answers: scores by kind of question, calibration, some examples, and all of them.

In: the answers. Out: plain values, drawings and the packed answers for the template. The examples are for paper and for
where scripts do not run; they are spread over the file.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from trainer.tracking.answers import Answer, Answers
from trainer.tracking.browser import packed
from trainer.tracking.calibration import Calibration, calibration, diagram
from trainer.tracking.excerpts import Piece, excerpt, places
from trainer.tracking.facets import Tally, kinds, outcomes, tallies

EXAMPLES = 4
"""So many right and so many wrong ones."""
LONG = 12
"""A table of more rows is folded up."""


@dataclass(frozen=True, slots=True)
class Example:
    """An answered question with the stretch of its context to look at."""

    answer: Answer
    title: str
    pieces: Sequence[Piece]


@dataclass(frozen=True, slots=True)
class Table:
    """The scores by one property of the questions."""

    label: str
    tallies: Sequence[Tally]

    @property
    def long(self) -> bool:
        return len(self.tallies) > LONG


@dataclass(frozen=True, slots=True)
class Findings:
    """All that the page shows of a stage's answers."""

    count: int
    tables: Sequence[Table]
    calibration: Calibration | None
    diagram: Markup
    right: Sequence[Example]
    wrong: Sequence[Example]
    packed: str


def findings(identifier: str, answers: Answers) -> Findings:
    """What the answers show, at least one; `identifier` is unique in the page."""
    by_kind = kinds(answers)
    found = calibration(answers.answers)
    title = "The share of answers that is right, by their probability, both in percent"
    return Findings(
        count=len(answers.answers),
        tables=[Table(facet.label, tallies(facet, answers)) for facet in by_kind],
        calibration=found,
        diagram=diagram(f"{identifier}-calibration", title, found) if found else Markup(),
        right=_examples(answers, exact=True),
        wrong=_examples(answers, exact=False),
        packed=packed(answers, [*outcomes(answers), *by_kind]),
    )


def _examples(answers: Answers, *, exact: bool) -> list[Example]:
    found = [answer for answer in answers.answers if answer.exact is exact]
    return [_example(answers, answer) for answer in found[:: max(len(found) // EXAMPLES, 1)][:EXAMPLES]]


def _example(answers: Answers, answer: Answer) -> Example:
    context = answers.context(answer)
    return Example(answer, answers.title(answer), excerpt(context, *places(context, answer.gold, answer.prediction)))
