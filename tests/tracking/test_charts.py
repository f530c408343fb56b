"""Charts: round ticks, honest thinning, lines in their places."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.tracking.charts import HEIGHT, MOST_POINTS, WIDTH, Reference, Series, line_chart, thinned, ticks

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*series: Series, reference: Reference | None = None) -> ElementTree.Element:
    chart = str(line_chart("loss", "Loss, nats", series, reference))
    return ElementTree.fromstring(chart.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def series(*values: float, label: str = "train") -> Series:
    return Series(label, np.array([(10.0 * step, value) for step, value in enumerate(values, start=1)]))


def places(line: ElementTree.Element) -> list[list[float]]:
    return [[float(number) for number in point.split(",")] for point in line.attrib["points"].split()]


@pytest.mark.parametrize(
    ("highest", "expected"),
    [
        (7.4, [0, 2, 4, 6, 8]),
        (100, [0, 20, 40, 60, 80, 100]),
        (0.002, [0, 0.0005, 0.001, 0.0015, 0.002]),
        (21_500, [0, 5000, 10_000, 15_000, 20_000, 25_000]),
        (0, [0, 1]),
    ],
)
def test_ticks_are_round_and_reach_the_highest_value(highest: float, expected: list[float]) -> None:
    assert ticks(highest) == pytest.approx(expected)


@given(st.floats(1e-12, 1e15))
def test_there_are_always_three_to_six_ticks(highest: float) -> None:
    values = ticks(highest)
    assert 3 <= len(values) <= 6
    assert values[-2] < highest <= values[-1] * (1 + 1e-6)


def test_thinning_keeps_the_ends_and_every_spike() -> None:
    points = np.column_stack([np.arange(100_000.0), np.random.default_rng(0).normal(size=100_000)])
    points[54_321, 1], points[77_777, 1] = 99, -99
    thin = thinned(points)
    assert len(thin) <= MOST_POINTS
    assert (thin[0] == points[0]).all()
    assert (thin[-1] == points[-1]).all()
    assert {99.0, -99.0} <= set(thin[:, 1])
    assert (np.diff(thin[:, 0]) > 0).all()


def test_short_curves_are_drawn_whole() -> None:
    assert len(places(next(drawn(series(3, 1, 2)).iter(f"{SVG}polyline")))) == 3


def test_higher_values_are_drawn_higher_and_inside_the_picture() -> None:
    points = places(next(drawn(series(1, 4, 2)).iter(f"{SVG}polyline")))
    assert points[1][1] < points[2][1] < points[0][1]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)


def test_the_reference_makes_room_for_itself() -> None:
    chart = drawn(series(1, 1), reference=Reference("unigram entropy", 6.2))
    line = next(line for line in chart.iter(f"{SVG}line") if line.get("class") == "reference")
    assert 0 < float(line.attrib["y1"]) < places(next(chart.iter(f"{SVG}polyline")))[0][1]


def test_labels_at_line_ends_do_not_overlap() -> None:
    chart = drawn(series(3, 2, label="train"), series(3, 2.01, label="held out"))
    labels = [text for text in chart.iter(f"{SVG}text") if text.get("class", "").startswith("label")]
    assert sorted(label.text or "" for label in labels) == ["held out 2.01", "train 2"]
    heights = [float(label.attrib["y"]) for label in labels]
    assert abs(heights[0] - heights[1]) >= 12


def test_a_single_point_is_seen() -> None:
    assert len(list(drawn(series(2)).iter(f"{SVG}circle"))) == 1


def test_a_chart_describes_itself_in_words() -> None:
    chart = drawn(series(9, 4, 2.5), reference=Reference("unigram entropy", 6.2))
    named = {element.get("id"): element.text for element in chart if element.get("id")}
    title, description = (named[name] for name in chart.attrib["aria-labelledby"].split())
    assert title == "Loss, nats"
    assert description == "train: 9 at step 10, 2.5 at step 30. For comparison, unigram entropy: 6.2."


def test_labels_are_escaped() -> None:
    chart = line_chart("x", "<script>", [series(1, label="<b>")])
    assert not re.search("<(script|b)>", chart)
