"""How far the wall clock was set: by hand, by NTP, by a host that woke up.

What is to happen hours later outlives a process, so its moment is one of the wall clock. The monotonic clock, which
nobody sets, tells when that one jumps. It counts from the machine's start, so a process that comes after another one on
the same machine sees also what was set between them; on another machine nothing tells.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

DRIFT = 5.0
"""Seconds between two looks that are no jump: NTP speeds a clock up or slows it down by less."""


@dataclass(frozen=True, slots=True)
class Look:
    """At both clocks at once."""

    boot: str
    """Names a start of a machine; empty where there is no name for it, as on other systems than Linux."""
    ahead: float
    """Seconds that the wall clock is ahead of the monotonic one."""


class WallClock:
    """Compares the two clocks at each look; in tests they are given.

    Args:
        seen: an earlier look, of another process perhaps.
    """

    def __init__(
        self,
        seen: Look | None = None,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._steady = steady
        now = self._look()
        self.seen = seen if seen and seen.boot and seen.boot == now.boot else now

    def jump(self) -> timedelta:
        """By how much it was set since the last look."""
        now = self._look()
        jump, self.seen = now.ahead - self.seen.ahead, now
        return timedelta(seconds=jump if abs(jump) > DRIFT else 0)

    def _look(self) -> Look:
        return Look(_boot(), self._wall() - self._steady())


def _boot() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""
