"""Histograms: a bar for each bin, from zero, in words too."""

import itertools
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.tracking.charts import HEIGHT, WIDTH
from trainer.tracking.histogram import histogram

SVG = "{http://www.w3.org/2000/svg}"


def drawn(width: int, most: int, *counts: int, title: str = "Length") -> ElementTree.Element:
    chart = str(histogram("lengths", title, width, most, counts))
    return ElementTree.fromstring(chart.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def bars(chart: ElementTree.Element) -> list[tuple[float, ...]]:
    return [
        tuple(float(bar.attrib[name]) for name in ("x", "y", "width", "height")) for bar in chart.iter(f"{SVG}rect")
    ]


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=16), st.integers(1, 32))
def test_bars_are_as_high_as_their_counts_and_inside_the_picture(counts: list[int], width: int) -> None:
    found = bars(drawn(width, width * len(counts), *counts))
    assert len(found) == len(counts)
    assert all(x >= 0 and x + w <= WIDTH and y >= 0 and y + h <= HEIGHT for x, y, w, h in found)
    assert len({round(y + height) for _, y, _, height in found}) == 1, "they stand on one line"
    highest = max(height for *_, height in found)
    for (*_, height), count in zip(found, counts, strict=True):
        assert height * max(counts) == pytest.approx(highest * count, abs=0.1 * max(counts))


def test_bars_stand_one_beside_the_other() -> None:
    found = bars(drawn(8, 32, 1, 2, 3, 4))
    assert all(x + width < other for (x, _, width, _), (other, *_) in itertools.pairwise(found))


def test_a_last_bin_that_is_cut_off_is_narrower() -> None:
    *_, before, last = bars(drawn(8, 20, 1, 1, 1))
    assert last[2] == pytest.approx(before[2] / 2, abs=1)


def test_it_is_told_in_words_and_escaped() -> None:
    chart = drawn(8, 20, 1, 6, 1, title="<b>")
    named = {element.get("id"): element.text for element in chart if element.get("id")}
    title, description = (named[name] for name in chart.attrib["aria-labelledby"].split())
    assert title == "<b>"
    assert description == "The most, 75 %, have 9 to 16; the longest may have 20."
