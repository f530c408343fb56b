"""An answer in its context: where it stands, and the text around it, cut into pieces to mark.

In: context, gold answers and prediction. Out: places, and pieces that are expected, predicted, both or neither. Where
the prediction occurs more than once, the place nearest to an expected answer is taken; of several expected answers, the
one that shares most with the prediction, or the first.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from trainer.tracking.answers import Gold

WHOLE = 600
"""A context of so many characters is shown whole,"""
MARGIN = 180
"""of a longer one this much on either side of what is marked."""


class Place(NamedTuple):
    """A stretch of a context, in characters; an empty one is no answer, or one that the context does not hold."""

    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the context."""

    text: str
    expected: bool = False
    predicted: bool = False


def places(context: str, gold: Sequence[Gold], prediction: str) -> tuple[Place, Place]:
    """Where the expected answer stands, and where the predicted one."""
    golds = [Place(answer.start, answer.start + len(answer.text)) for answer in gold] or [Place()]
    predicted = occurrences(context, prediction)
    if not predicted:
        return golds[0], Place()
    expected = max(golds, key=lambda gold: max(_shared(gold, place) for place in predicted))
    nearest = min(predicted, key=lambda place: (-_shared(expected, place), abs(expected.start - place.start)))
    return expected, nearest


def occurrences(context: str, text: str) -> list[Place]:
    """All places of a text, those that overlap as well; none of an empty one."""
    found: list[Place] = []
    start = context.find(text) if text else -1
    while start >= 0:
        found.append(Place(start, start + len(text)))
        start = context.find(text, start + 1)
    return found


def excerpt(context: str, expected: Place, predicted: Place) -> list[Piece]:
    """The pieces of the context around both places; from the beginning where there is nothing to mark."""
    edges = [edge for place in (expected, predicted) if place.start < place.end for edge in place] or [0]
    start, end = _edges(context, min(edges), max(edges))
    pieces = [
        Piece(context[left:right], expected.start <= left < expected.end, predicted.start <= left < predicted.end)
        for left, right in itertools.pairwise(sorted({start, end, *edges}))
    ]
    before = [Piece("… ")] if start > 0 else []
    after = [Piece(" …")] if end < len(context) else []
    return [*before, *pieces, *after]


def _shared(first: Place, second: Place) -> int:
    """How many characters two places have in common."""
    return max(min(first.end, second.end) - max(first.start, second.start), 0)


def _edges(context: str, first: int, last: int) -> tuple[int, int]:
    """A margin around what is marked, that cuts no word unless a word fills it."""
    start = end = -1
    if len(context) <= WHOLE:
        return 0, len(context)
    if first > MARGIN:
        start = context.find(" ", first - MARGIN, first) + 1 or first - MARGIN
    if last + MARGIN < len(context):
        end = context.rfind(" ", last, last + MARGIN)
        end = end if end > 0 else last + MARGIN
    return max(start, 0), end if end > 0 else len(context)
