"""Histograms as SVG, in the manner of `charts`: markup to set into a page whose style sheet gives the colours.

In: how many fall into each bin. Out: a bar for each, on a y-axis from zero.
"""

from collections.abc import Sequence

from markupsafe import Markup

from trainer.tracking.charts import BOTTOM, HEIGHT, LEFT, TOP, WIDTH, drawing, ticks, y_tick
from trainer.tracking.formatting import short

RIGHT = 12
"""No names stand at the end of a line here."""
GAP = 1.5
"""Between two bars."""


def histogram(identifier: str, title: str, bin_width: int, most: int, counts: Sequence[int]) -> Markup:
    """An SVG element with a title and a description for those who cannot see it.

    Args:
        identifier: unique in the page; names the title and the description.
        title: what is counted, with the unit of the x-axis.
        bin_width: the first bin is of 1 to `bin_width`, and so on.
        most: where the last bin ends.
        counts: of each bin, at least one.
    """
    y_ticks = ticks(max(counts))
    bottom, room = HEIGHT - BOTTOM, HEIGHT - TOP - BOTTOM
    scale = (WIDTH - LEFT - RIGHT) / most
    parts = [y_tick(value, bottom - room * value / y_ticks[-1], WIDTH - RIGHT) for value in y_ticks]
    for number, count in enumerate(counts):
        left, right = number * bin_width, min((number + 1) * bin_width, most)
        height = room * count / y_ticks[-1]
        parts.append(_bar(LEFT + left * scale, (right - left) * scale, bottom - height, height))
    parts += [_x_tick(value, LEFT + value * scale, bottom) for value in ticks(most) if value <= most]
    return drawing(identifier, title, _description(bin_width, most, counts), parts)


def _bar(x: float, width: float, y: float, height: float) -> Markup:
    return Markup('<rect class="bin" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
        x, y, max(width - GAP, 0.5), height
    )


def _x_tick(value: float, x: float, bottom: float) -> Markup:
    return Markup(
        '<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{end}"/>'
        '<text x="{x:.1f}" y="{base}" class="x">{value}</text>'
    ).format(x=x, top=bottom, end=bottom + 4, base=bottom + 17, value=short(value))


def _description(bin_width: int, most: int, counts: Sequence[int]) -> str:
    tallest = max(range(len(counts)), key=lambda number: counts[number])
    first, last = tallest * bin_width + 1, min((tallest + 1) * bin_width, most)
    share = 100 * counts[tallest] / max(sum(counts), 1)
    return f"The most, {share:.0f} %, have {first} to {last}; the longest may have {most}."
