"""Can the probabilities be believed? Of the answers with a probability of 70 %, some 70 % should be right.

In: the probability of each answer, and whether it is right. Out: bins, the expected calibration error and a reliability
diagram, all three after Guo et al. 2017, "On Calibration of Modern Neural Networks" (the error is their equation 3).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from trainer.tracking.answers import Answer
from trainer.tracking.charts import BOTTOM, HEIGHT, LEFT, TOP, WIDTH, drawing, y_tick
from trainer.tracking.formatting import short

BINS = 10
RIGHT = 12
GAP = 2.0
"""Between two bars."""


@dataclass(frozen=True, slots=True)
class Bin:
    """The answers with a probability above `index / BINS`, up to `(index + 1) / BINS`."""

    index: int
    count: int
    confidence: float
    """Their mean probability."""
    accuracy: float
    """The share of them that is right."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of all answers that have a probability; bins without any are left out."""

    bins: tuple[Bin, ...]

    @property
    def error(self) -> float:
        """Expected calibration error, 0 to 1: the mean distance of confidence and accuracy, weighted by count."""
        return sum(each.count * abs(each.accuracy - each.confidence) for each in self.bins) / self._count

    @property
    def surplus(self) -> float:
        """Mean probability minus accuracy, -1 to 1: above 0, the model is too sure of itself."""
        return sum(each.count * (each.confidence - each.accuracy) for each in self.bins) / self._count

    @property
    def _count(self) -> int:
        return sum(each.count for each in self.bins)


def calibration(answers: Sequence[Answer]) -> Calibration | None:
    """None where no answer has a probability."""
    pairs = [(each.probability, each.exact) for each in answers if each.probability is not None]
    if not pairs:
        return None
    probabilities, exact = np.array(pairs, dtype=np.float64).T
    numbers = np.clip(np.ceil(probabilities * BINS).astype(int) - 1, 0, BINS - 1)
    bins = [(number, numbers == number) for number in np.unique(numbers).tolist()]
    return Calibration(
        tuple(
            Bin(number, int(inside.sum()), float(probabilities[inside].mean()), float(exact[inside].mean()))
            for number, inside in bins
        )
    )


def diagram(identifier: str, title: str, found: Calibration) -> Markup:
    """An SVG element: a bar for each bin, as high as the share that is right, its count above it; dashed, the ideal."""
    parts = [y_tick(percent, _y(percent / 100), WIDTH - RIGHT) for percent in (0, 25, 50, 75, 100)]
    parts += [_bar(each) for each in found.bins]
    parts.append(
        Markup('<line class="reference" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(
            _x(0), _y(0), _x(1), _y(1)
        )
    )
    parts += [_count(each) for each in found.bins]
    parts += [_x_tick(value) for value in (0, 20, 40, 60, 80, 100)]
    return drawing(identifier, title, _description(found), parts)


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _bar(each: Bin) -> Markup:
    left, top = _x(each.index / BINS) + GAP / 2, _y(each.accuracy)
    return Markup('<rect class="share" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
        left, top, _x((each.index + 1) / BINS) - GAP / 2 - left, _y(0) - top
    )


def _count(each: Bin) -> Markup:
    """Above the bar, and inside it where that would leave the picture."""
    return Markup('<text class="x count" x="{:.1f}" y="{:.1f}">{}</text>').format(
        _x((each.index + 0.5) / BINS), max(_y(each.accuracy) - 5, TOP + 11), short(each.count)
    )


def _x_tick(percent: int) -> Markup:
    return Markup('<text class="x" x="{:.1f}" y="{}">{}</text>').format(
        _x(percent / 100), HEIGHT - BOTTOM + 17, percent
    )


def _description(found: Calibration) -> str:
    return " ".join(
        f"Probability {100 * each.confidence:.0f} %: {100 * each.accuracy:.0f} % right of {each.count}."
        for each in found.bins
    )
