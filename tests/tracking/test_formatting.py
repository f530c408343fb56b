"""Numbers, spans of time and dates as people read them."""

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest

from trainer.tracking import formatting


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (2.5e-5, "2.5e-5"),
        (1e-4, "1e-4"),
        (0.0015, "1.5e-3"),
        (0.25, "0.25"),
        (2.3456, "2.35"),
        (-3.5, "-3.5"),
        (384, "384"),
        (1200, "1200"),
        (20_000, "20k"),
        (790_991, "791k"),
        (110_104_890, "110M"),
        (3.3e9, "3.3B"),
        (131e9, "131B"),
    ],
)
def test_short_numbers_keep_three_digits(value: float, text: str) -> None:
    assert formatting.short(value) == text


def test_counts_are_grouped() -> None:
    assert formatting.grouped(1_234_567) == "1,234,567"


def test_a_score_has_two_decimals_and_a_missing_one_a_dash() -> None:
    assert [formatting.score(value) for value in (82.7834, 0.0, None, math.nan)] == ["82.78", "0.00", "–", "–"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (48, "48 s"),
        (59.6, "1 min 00 s"),
        (312, "5 min 12 s"),
        (11_040, "3 h 04 min"),
        (183_600, "2 d 03 h"),
    ],
)
def test_durations_have_two_units(seconds: float, text: str) -> None:
    assert formatting.duration(seconds) == text


def test_dates_are_in_utc() -> None:
    moment = datetime(2026, 8, 2, 16, 3, tzinfo=timezone(timedelta(hours=2)))
    assert formatting.instant(moment) == formatting.instant(moment.astimezone(UTC)) == "2 August 2026, 14:03 UTC"
