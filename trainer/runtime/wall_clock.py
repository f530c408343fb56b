"""How far the wall clock was set while a process runs: by hand, by NTP, by a host that woke up.

What is to happen hours later outlives a process, so its moment is one of the wall clock. The monotonic clock, which
nobody sets, tells when that one jumps.
"""

import time
from collections.abc import Callable
from datetime import timedelta

DRIFT = 5.0
"""Seconds between two looks that are no jump: NTP speeds a clock up or slows it down by less."""


class WallClock:
    """Compares the two clocks at each look; in tests they are given."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._steady = steady
        self._seen = self._ahead()

    def jump(self) -> timedelta:
        """By how much it was set since the last look."""
        ahead = self._ahead()
        jump, self._seen = ahead - self._seen, ahead
        return timedelta(seconds=jump if abs(jump) > DRIFT else 0)

    def _ahead(self) -> float:
        return self._wall() - self._steady()
