"""Numbers, spans of time and dates as people read them.

In: plain values. Out: short strings for axes and sentences, grouped digits for tables. A missing value is a dash.
"""

import math
from datetime import UTC, datetime

DASH = "–"


def short(value: float) -> str:
    """At most three digits: `0`, `0.25`, `2.5e-5`, `12.3`, `791k`, `110M`, `3.3B`."""
    size = abs(value)
    if size < 1e-2:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent)}" if value else "0"
    for limit, unit in ((1e9, "B"), (1e6, "M"), (1e4, "k")):
        if size >= limit:
            return _three_digits(value / (1e3 if unit == "k" else limit)) + unit
    return _three_digits(value)


def grouped(value: float) -> str:
    """All digits of a count: `1,234,567`."""
    return f"{round(value):,}"


def score(value: float | None) -> str:
    """A percentage as score tables print it: `82.78`."""
    return DASH if value is None or math.isnan(value) else f"{value:.2f}"


def tenths(value: float | None) -> str:
    """A percentage that is known to one digit: `91.2`."""
    return DASH if value is None else f"{value:.1f}"


def percent(share: float) -> str:
    """A share from 0 to 1 as people say it: `54 %`, `2.3 %`, `under 0.1 %`."""
    if 0 < share < 1e-3:
        return "under 0.1 %"
    return f"{100 * share:.0f} %" if share >= 0.0995 or not share else f"{100 * share:.1f} %"


def duration(seconds: float) -> str:
    """The two largest units: `48 s`, `5 min 12 s`, `3 h 04 min`, `2 d 03 h`."""
    whole = round(seconds)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if days:
        return f"{days} d {hours % 24:02} h"
    if hours:
        return f"{hours} h {minutes % 60:02} min"
    return f"{minutes} min {whole % 60:02} s" if minutes else f"{whole} s"


def instant(moment: datetime) -> str:
    """A date and time in UTC: `2 August 2026, 14:03 UTC`."""
    moment = moment.astimezone(UTC)
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def workers(count: float) -> str:
    """1 worker, 2 workers."""
    return f"{count:.0f} {'worker' if count == 1 else 'workers'}"


def _three_digits(value: float) -> str:
    digits = f"{value:.3g}"
    return f"{value:.0f}" if "e" in digits else digits
