"""Exact match and F1 as the official scripts `evaluate-v1.1.py` and `evaluate-v2.0.py` compute them, in percent.

Both normalise the text and take the best over a question's gold answers. They part in two places: v2.0 leaves out gold
answers that normalise to nothing, and gives F1 1 where both sides are empty; v1.1 gives it 0. A question without a
prediction scores 0 (the script for v2.0 has no rule for it), a prediction without a question is left out; both are
counted.
"""

import re
import string
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from trainer.squad.examples import Dataset, Example

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


class Score(NamedTuple):
    """Of one question; both from 0 to 1."""

    exact: float
    f1: float


def evaluate(
    dataset: Dataset, answers: Mapping[str, str], null_odds: Mapping[str, float] | None = None
) -> dict[str, float]:
    """The figures of the official scripts, under the names of the one for v2.0, and the numbers missing and foreign.

    v1.1: `exact`, `f1`, `total`. v2.0 adds them for the questions with an answer (`HasAns_`) and without (`NoAns_`).
    With null odds, or another measure that is higher where there is no answer, it adds the best scores that a threshold
    on it gives, and that threshold: `best_exact`, `best_exact_thresh`, `best_f1`, `best_f1_thresh`; and the areas below
    precision against recall: `pr_exact_ap`, `pr_f1_ap`, and `pr_oracle_ap`, as if all answers were right. An answer
    that is "" already stays so at any threshold.
    """
    scores = score(dataset, answers)
    figures = _means("", scores.values())
    if dataset.version_2:
        for prefix, impossible in (("HasAns_", False), ("NoAns_", True)):
            ids = [example.id for example in dataset.examples if example.is_impossible == impossible]
            figures |= _means(prefix, [scores[id] for id in ids]) if ids else {}
        if null_odds is not None:
            figures |= _by_threshold(dataset.examples, answers, scores, null_odds)
    missing = scores.keys() - answers.keys()
    foreign = answers.keys() - scores.keys()
    return figures | {"missing": len(missing), "foreign": len(foreign)}


def score(dataset: Dataset, answers: Mapping[str, str]) -> dict[str, Score]:
    """Each question's scores by its id, in the dataset's order."""
    return {
        example.id: _score(example, answers[example.id], dataset.version_2) if example.id in answers else Score(0, 0)
        for example in dataset.examples
    }


def normalize(text: str) -> str:
    """Lower case, without punctuation (ASCII), articles and surplus white space."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_WITHOUT_PUNCTUATION)).split())


def _score(example: Example, answer: str, version_2: bool) -> Score:
    golds = {normalize(gold.text) for gold in example.answers}
    if version_2:
        golds = golds - {""} or {""}
    predicted = normalize(answer)
    f1 = max(_f1(gold.split(), predicted.split(), version_2) for gold in golds)
    return Score(float(predicted in golds), f1)


def _f1(gold: list[str], predicted: list[str], version_2: bool) -> float:
    common = (Counter(gold) & Counter(predicted)).total()
    if not common:
        return float(version_2 and gold == predicted)
    precision, recall = common / len(predicted), common / len(gold)
    return 2 * precision * recall / (precision + recall)


def _means(prefix: str, scores: Iterable[Score]) -> dict[str, float]:
    exact, f1 = zip(*scores, strict=True)
    total = len(exact)
    return {
        f"{prefix}exact": 100.0 * sum(exact) / total,
        f"{prefix}f1": 100.0 * sum(f1) / total,
        f"{prefix}total": total,
    }


def _by_threshold(
    examples: Sequence[Example], answers: Mapping[str, str], scores: Mapping[str, Score], null_odds: Mapping[str, float]
) -> dict[str, float]:
    figures: dict[str, float] = {}
    answerable = {example.id: float(not example.is_impossible) for example in examples}
    for field in Score._fields:
        by_id = {id: getattr(scores[id], field) for id in scores}
        best, threshold = _best_threshold(examples, answers, by_id, null_odds)
        right = {id: by_id[id] * answerable[id] for id in by_id}
        figures |= {f"best_{field}": best, f"best_{field}_thresh": threshold}
        figures |= {f"pr_{field}_ap": _average_precision(right, answerable, null_odds)}
    return figures | {"pr_oracle_ap": _average_precision(answerable, answerable, null_odds)}


def _best_threshold(
    examples: Iterable[Example], answers: Mapping[str, str], scores: Mapping[str, float], null_odds: Mapping[str, float]
) -> tuple[float, float]:
    """The best mean score, in percent, of answers with odds up to a threshold, and "" above it; and that threshold.

    From the threshold below all odds upward, each question gains or loses when its answer counts in place of "".
    """
    known = {example.id: example for example in examples if example.id in answers}
    current = best = float(sum(example.is_impossible for example in known.values()))
    threshold = 0.0
    for id in sorted((id for id in null_odds if id in known), key=null_odds.__getitem__):
        current += (-1 if answers[id] else 0) if known[id].is_impossible else scores[id]
        if current > best:
            best, threshold = current, null_odds[id]
    return 100.0 * best / len(scores), threshold


def _average_precision(
    right: Mapping[str, float], answerable: Mapping[str, float], null_odds: Mapping[str, float]
) -> float:
    """In percent: the precision of all answers with odds up to a threshold, for each gain in recall by a higher one.

    Precision is what is right of what is answered, recall of what could be answered. Equal odds are one threshold.
    """
    ids = sorted((id for id in null_odds if id in right), key=null_odds.__getitem__)
    could = sum(answerable.values())
    if not ids or not could:
        return 0.0
    odds = np.array([null_odds[id] for id in ids])
    last = np.append(odds[1:] != odds[:-1], True)
    found = np.cumsum([right[id] for id in ids])[last]
    precision = found / (np.flatnonzero(last) + 1)
    return 100.0 * float(precision @ np.diff(found / could, prepend=0.0))
