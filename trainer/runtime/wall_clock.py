"""How far the wall clock was set: by hand, by NTP, by a host that woke up.

What is to happen hours later outlives a process, so its moment is one of the wall clock. The monotonic clock, which
nobody sets, tells when that one jumps. It counts from the machine's start, so a process that comes after another one on
the same machine sees also what was set between them; on another machine nothing tells.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from trainer.runtime.proc import boot_id

DRIFT = 5.0
"""Seconds between two looks that are no jump: NTP speeds a clock up or slows it down by less."""


@dataclass(frozen=True, slots=True)
class Look:
    """At both clocks at once."""

    boot: str
    """The `boot_id` of the machine."""
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
        self._boot = boot_id()
        self.seen = seen if seen and seen.boot == self._boot else self._look()

    def jump(self) -> timedelta:
        """By how much it was set since the last look."""
        now = self._look()
        jump, self.seen = now.ahead - self.seen.ahead, now
        return timedelta(seconds=jump if abs(jump) > DRIFT else 0)

    def _look(self) -> Look:
        return Look(self._boot, self._wall() - self._steady())
