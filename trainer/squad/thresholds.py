"""Answers and their null odds -> the scores at every threshold, and the threshold that gives the best.

A threshold that is found on the questions that it is then scored on flatters a little, as `best_exact` and `best_f1` of
the official script do; found on one half of them and applied to the other, it does not.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from trainer.squad import metrics
from trainer.squad.examples import Dataset

Goal = Literal["best_exact", "best_f1"]

_Floats = NDArray[np.float64]


class Curve(NamedTuple):
    """Arrays of one length: scores in percent, under their official names, at every threshold that changes an answer.

    Thresholds rise. The first answers no question, the last all of them; in between, each is the odds of the questions
    that it answers and the one before does not.
    """

    threshold: _Floats
    exact: _Floats
    f1: _Floats
    HasAns_exact: _Floats
    HasAns_f1: _Floats
    NoAns_exact: _Floats

    def best(self, goal: Goal) -> dict[str, float]:
        """The row with the highest `exact` or `f1`; of equal ones the lowest threshold, which answers the least."""
        scores = self.exact if goal == "best_exact" else self.f1
        row = int(np.argmax(scores))
        return {name: float(column[row]) for name, column in zip(self._fields, self, strict=True)}

    def tables(self) -> dict[Goal, dict[str, float]]:
        """The best rows for both goals."""
        return {goal: self.best(goal) for goal in get_args(Goal)}


def curve(dataset: Dataset, spans: Mapping[str, str], null_odds: Mapping[str, float]) -> Curve:
    """The scores of all thresholds, as `metrics.evaluate` gives them for the answers at each.

    `spans` are the best spans, none of them left out for its odds. A question without one or without odds scores 0; at
    least one has both. Of questions of one kind only, the columns of the other kind are 0.
    """
    scores = metrics.score(dataset, spans)
    known = [example for example in dataset.examples if example.id in spans and example.id in null_odds]
    odds = np.array([null_odds[example.id] for example in known])
    order = np.argsort(odds, kind="stable")
    impossible = np.array([example.is_impossible for example in known], dtype=bool)[order]
    odds, values = odds[order], np.array([scores[example.id] for example in known])[order]
    last = np.append(odds[1:] != odds[:-1], True)

    def column(field: int, counted: NDArray[np.bool], total: int) -> _Floats:
        """What is right of the counted: the impossible until they are answered, the others from then on."""
        gains = (values[:, field] - impossible) * counted
        right = (impossible & counted).sum() + np.cumsum(gains)[last]
        return 100.0 * np.concatenate(([(impossible & counted).sum()], right)) / max(total, 1)

    everything, total = np.ones_like(impossible), len(dataset.examples)
    unanswerable = sum(example.is_impossible for example in dataset.examples)
    return Curve(
        np.concatenate(([np.nextafter(odds[0], -np.inf)], odds[last])),
        column(0, everything, total),
        column(1, everything, total),
        column(0, ~impossible, total - unanswerable),
        column(1, ~impossible, total - unanswerable),
        column(0, impossible, unanswerable),
    )
