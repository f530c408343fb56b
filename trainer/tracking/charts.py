"""Line charts as SVG: pure functions from numbers to a picture, without a plotting library or a script.

In: named series of (x, y). Out: markup to set into a page, whose style sheet gives the colours (classes `grid`, `axis`,
`series-1` to `series-6`, `reference`, `mark`), so that one chart serves light, dark and paper. The y-axis starts at
zero, because all that we draw is a quantity; each line carries its name and last value at its end, where a legend is
not missed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from trainer.tracking.formatting import short

WIDTH, HEIGHT = 420, 210
LEFT, RIGHT, TOP, BOTTOM = 40, 94, 14, 30
MOST_POINTS = 400
FEW_POINTS = 40
"""A line of so few points shows them as dots."""
LINE_HEIGHT = 14

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Series:
    """A line: its points (n, 2) as x, y, sorted by x."""

    label: str
    points: Points
    colour: int = 0
    """From 1 on; 0 is its number among the lines of the chart."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A horizontal line to compare with."""

    label: str
    value: float


@dataclass(frozen=True, slots=True)
class _Frame:
    """Data coordinates to picture coordinates."""

    right: float
    top: float

    def x(self, value: float) -> float:
        return LEFT + value / self.right * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - value / self.top * (HEIGHT - TOP - BOTTOM)


def line_chart(
    identifier: str,
    title: str,
    series: Sequence[Series],
    reference: Reference | None = None,
    marks: Sequence[float] = (),
) -> Markup:
    """An SVG element with a title and a description for those who cannot see it.

    Args:
        identifier: unique in the page; names the title and the description.
        title: what is drawn, with its unit.
        series: at least one, each with at least one point.
        reference: a line to compare with.
        marks: x of each moment to be marked by a line; the page says what they are.
    """
    assert series, title
    assert all(len(line.points) for line in series), title
    series = [
        Series(line.label, thinned(line.points), line.colour or number) for number, line in enumerate(series, start=1)
    ]
    x_ticks = ticks(max(float(line.points[-1, 0]) for line in series))
    highest = max(float(line.points[:, 1].max()) for line in series)
    y_ticks = ticks(max(highest, reference.value if reference else 0.0))
    frame = _Frame(max(float(line.points[-1, 0]) for line in series) or 1.0, y_ticks[-1])
    parts = [_y_axis(frame, y_ticks), _x_axis(frame, [tick for tick in x_ticks if tick <= frame.right])]
    parts += [_mark(frame, x) for x in marks if x <= frame.right]
    if reference:
        above = any(line.points[-1, 1] >= reference.value for line in series)
        parts.append(_reference(frame, reference, LINE_HEIGHT if above else -5))
    parts += [_line(frame, line) for line in series]
    parts.append(_labels(frame, series))
    return drawing(identifier, title, _description(series, reference), parts)


def drawing(identifier: str, title: str, description: str, parts: Sequence[Markup]) -> Markup:
    """An SVG element of `WIDTH` x `HEIGHT` with a title and a description for those who cannot see it."""
    return Markup(
        '<svg viewBox="0 0 {width} {height}" role="img" aria-labelledby="{id}-title {id}-description">'
        '<title id="{id}-title">{title}</title><desc id="{id}-description">{description}</desc>{parts}</svg>'
    ).format(
        width=WIDTH,
        height=HEIGHT,
        id=identifier,
        title=title,
        description=description,
        parts=Markup("").join(parts),
    )


def y_tick(value: float, y: float, right: float) -> Markup:
    """A line of the grid, from the left to `right`, and its value beside it."""
    return Markup(
        '<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        '<text x="{text}" y="{base:.1f}" class="y">{value}</text>'
    ).format(left=LEFT, right=right, y=y, text=LEFT - 6, base=y + 4, value=short(value))


def ticks(highest: float) -> list[float]:
    """Three to six multiples of 1, 2 or 5 times 10^n, from 0 to the first that is not below `highest`."""
    if highest <= 0:
        return [0.0, 1.0]
    rough = highest / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    return [number * step for number in range(math.ceil(highest / step - 1e-9) + 1)]


def thinned(points: Points) -> Points:
    """At most `MOST_POINTS` of the points: both ends and each stretch's lowest and highest, so that spikes stay."""
    if len(points) <= MOST_POINTS:
        return points
    keep = {0, len(points) - 1}
    for stretch in np.array_split(np.arange(len(points)), MOST_POINTS // 2 - 1):
        keep |= {int(stretch[points[stretch, 1].argmin()]), int(stretch[points[stretch, 1].argmax()])}
    return points[sorted(keep)]


def _y_axis(frame: _Frame, values: Sequence[float]) -> Markup:
    return Markup("").join(y_tick(value, frame.y(value), WIDTH - RIGHT) for value in values)


def _x_axis(frame: _Frame, values: Sequence[float]) -> Markup:
    bottom = HEIGHT - BOTTOM
    baseline = Markup('<line class="axis" x1="{}" x2="{}" y1="{y}" y2="{y}"/>').format(LEFT, WIDTH - RIGHT, y=bottom)
    tick = Markup(
        '<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{end}"/>'
        '<text x="{x:.1f}" y="{base}" class="x">{value}</text>'
    )
    marks = [
        tick.format(x=frame.x(value), top=bottom, end=bottom + 4, base=bottom + 17, value=short(value))
        for value in values
    ]
    name = Markup('<text x="{}" y="{}" class="name">step</text>').format(WIDTH - RIGHT + 24, bottom + 17)
    return Markup("").join([baseline, *marks, name])


def _reference(frame: _Frame, reference: Reference, down: float) -> Markup:
    """The line, and its name so far below it."""
    return Markup(
        '<line class="reference" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        '<text x="{right}" y="{base:.1f}" class="reference">{label} {value}</text>'
    ).format(
        left=LEFT,
        right=WIDTH - RIGHT,
        y=frame.y(reference.value),
        base=frame.y(reference.value) + down,
        label=reference.label,
        value=short(reference.value),
    )


def _mark(frame: _Frame, x: float) -> Markup:
    return Markup('<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>').format(
        x=frame.x(x), top=TOP, bottom=HEIGHT - BOTTOM
    )


def _line(frame: _Frame, series: Series) -> Markup:
    places = [(frame.x(float(x)), frame.y(float(y))) for x, y in series.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = places if len(places) <= FEW_POINTS else places[-1:]
    dot = Markup('<circle cx="{:.1f}" cy="{:.1f}" r="2.2"/>')
    return Markup('<g class="series-{}"><polyline points="{}"/>{}</g>').format(
        series.colour, path, Markup("").join(dot.format(x, y) for x, y in dots)
    )


def _labels(frame: _Frame, series: Sequence[Series]) -> Markup:
    """The lines' names at their ends, pushed apart where they would overlap."""
    text = Markup('<text x="{}" y="{:.1f}" class="label series-{}">{}</text>')
    ends = [(frame.y(float(line.points[-1, 1])) + 4, line) for line in series]
    labels: list[Markup] = []
    lowest_free = HEIGHT - BOTTOM
    for y, line in sorted(ends, key=lambda end: end[0], reverse=True):
        base = min(y, lowest_free)
        lowest_free = base - LINE_HEIGHT
        labels.append(
            text.format(
                WIDTH - RIGHT + 8, base, line.colour, f"{line.label} {short(float(line.points[-1, 1]))}".strip()
            )
        )
    return Markup("").join(labels)


def _description(series: Sequence[Series], reference: Reference | None) -> str:
    sentences = [
        f"{line.label or 'The line'}: {short(float(line.points[0, 1]))} at step {short(float(line.points[0, 0]))}, "
        f"{short(float(line.points[-1, 1]))} at step {short(float(line.points[-1, 0]))}."
        for line in series
    ]
    if reference:
        sentences.append(f"For comparison, {reference.label}: {short(reference.value)}.")
    return " ".join(sentences)
