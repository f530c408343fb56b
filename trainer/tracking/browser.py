"""All answers in little room, for `report.js` to unpack: JSON, gzip, base64.

In: the answers and their facets. Out: text for an element of the page. A column holds one thing of all answers, since
like compresses well with like; a text that stands in its context is a start and a length, counted in code points, any
other one (length -1) an index into `texts`. So dev v1.1 with its 10,570 answers takes some 1.3 MB.
"""

import base64
import gzip
import json
from collections.abc import Iterable, Sequence
from typing import Any

from trainer.tracking.answers import Answer, Answers
from trainer.tracking.excerpts import Place, occurrences, places
from trainer.tracking.facets import Facet

ELSEWHERE = -1


def packed(answers: Answers, facets: Sequence[Facet]) -> str:
    """The answers in base64. The same answers give the same text."""
    text = json.dumps(_columns(answers, facets), ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _columns(answers: Answers, facets: Sequence[Facet]) -> dict[str, Any]:
    texts: dict[str, int] = {}
    rows = [_spans(answers.context(answer), answer, texts) for answer in answers.answers]
    expected, given, candidates = zip(*rows, strict=True) if rows else ((), (), ())
    return {
        "titles": [paragraph.title for paragraph in answers.paragraphs],
        "contexts": [paragraph.context for paragraph in answers.paragraphs],
        "texts": list(texts),
        "id": [answer.id for answer in answers.answers],
        "paragraph": [answer.paragraph for answer in answers.answers],
        "question": [answer.question for answer in answers.answers],
        "exact": [int(answer.exact) for answer in answers.answers],
        "f1": [round(100 * answer.f1, 2) for answer in answers.answers],
        "null_odds": [_rounded(answer.null_odds) for answer in answers.answers],
        "probability": [_rounded(answer.probability) for answer in answers.answers],
        "expected": _column(expected),
        "given": _column(given),
        "candidates": _column(candidates),
        "probabilities": [_rounded(each.probability) for answer in answers.answers for each in answer.n_best],
        "facets": [
            {"label": facet.label, "options": facet.options, "values": facet.values.tolist()} for facet in facets
        ],
    }


_Span = tuple[int, int]


def _spans(context: str, answer: Answer, texts: dict[str, int]) -> tuple[list[_Span], list[_Span], list[_Span]]:
    """The expected answers, that which is marked first; the given one; the n best."""
    expected, predicted = places(context, answer.gold, answer.prediction)
    distinct = {context[slice(*expected)]: expected}
    for each in answer.gold:
        distinct.setdefault(each.text, Place(each.start, each.start + len(each.text)))

    def span(text: str, place: Place) -> _Span:
        if text and place == Place():
            return texts.setdefault(text, len(texts)), ELSEWHERE
        return place.start, place.end - place.start

    return (
        [(start, end - start) for start, end in distinct.values()] if answer.gold else [],
        [span(answer.prediction, predicted)],
        [span(each.text, _first(context, each.text)) for each in answer.n_best],
    )


def _first(context: str, text: str) -> Place:
    return next(iter(occurrences(context, text)), Place())


def _column(rows: Iterable[Sequence[_Span]]) -> dict[str, list[int]]:
    """How many spans each answer has, and all of them in one line."""
    rows = list(rows)
    spans = [span for row in rows for span in row]
    return {
        "count": [len(row) for row in rows],
        "start": [start for start, _ in spans],
        "length": [length for _, length in spans],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
