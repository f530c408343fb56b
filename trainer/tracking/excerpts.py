"""An answer in its context: the text around it, cut into pieces that are expected, predicted, both or neither.

In: context, gold answers and prediction as text. Out: pieces for a page to mark. Positions are searched for; where a
text occurs more than once, the place nearest to the expected answer is taken.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

WHOLE = 600
"""A context of so many characters is shown whole,"""
MARGIN = 180
"""of a longer one this much on either side of what is marked."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the context."""

    text: str
    expected: bool = False
    predicted: bool = False


def excerpt(context: str, gold: Sequence[str], prediction: str) -> list[Piece]:
    """The pieces of the context around the answers; from the beginning where there is nothing to mark."""
    expected = _span(context, gold[0] if gold else "", near=0)
    predicted = _span(context, prediction, near=expected[0])
    places = [place for span in (expected, predicted) if span[0] < span[1] for place in span] or [0]
    start, end = _edges(context, min(places), max(places))
    cuts = sorted({start, end, *places})
    pieces = [
        Piece(context[left:right], expected[0] <= left < expected[1], predicted[0] <= left < predicted[1])
        for left, right in itertools.pairwise(cuts)
    ]
    before = [Piece("… ")] if start > 0 else []
    after = [Piece(" …")] if end < len(context) else []
    return [*before, *pieces, *after]


def _span(context: str, text: str, near: int) -> tuple[int, int]:
    """Where the text stands, nearest to a place; (0, 0) where it does not."""
    places: list[int] = []
    place = context.find(text) if text else -1
    while place >= 0:
        places.append(place)
        place = context.find(text, place + 1)
    if not places:
        return 0, 0
    start = min(places, key=lambda place: abs(place - near))
    return start, start + len(text)


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
