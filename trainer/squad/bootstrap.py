"""How far a mean score over questions may be from that over other questions of the same kind.

The percentile bootstrap (Efron & Tibshirani 1993, chapter 13; for scores of language tasks Dror et al. 2018): questions
are drawn with replacement, as many as there are, again and again; the interval holds the middle 95 % of the means.
It knows nothing of other seeds, and takes questions as independent. Those about one paragraph are not quite, so it is a
little too narrow.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
"""Efron & Tibshirani ask for 1,000 at least."""
LEVEL = 0.95


class Interval(NamedTuple):
    low: float
    high: float


def intervals(scores: NDArray[np.float64], seed: int = 0) -> list[Interval]:
    """The interval of the mean of each row of `scores`, (rows, questions); all rows are drawn alike."""
    rows, questions = scores.shape
    rng = np.random.default_rng(seed)
    means = np.empty((RESAMPLES, rows))
    for resample in means:
        resample[:] = scores @ np.bincount(rng.integers(questions, size=questions), minlength=questions) / questions
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(means, (tail, 1 - tail), axis=0)
    return [Interval(*pair) for pair in zip(low.tolist(), high.tolist(), strict=True)]
