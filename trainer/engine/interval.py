"""When the next checkpoint is due: after so many steps, after so many seconds of work, or as often as it costs little.

Only the first worker asks, by its own monotonic clock, and nobody else needs to know: a save changes nothing of what is
computed.
"""

import time
from dataclasses import dataclass

MOST_COST = 0.01
"""Share of the throughput that `auto` may take."""
SHORTEST, LONGEST = 30.0, 1800.0
"""Seconds between two saves of `auto`."""


class Interval:
    """Counts from one save to the next.

    `auto` measures what a save costs: the seconds that training stood still, and those that steps took longer while it
    was written.
    """

    def __init__(self, every: int | str) -> None:
        """`every`: as `checkpoint.every` of the configuration."""
        self._steps = every if isinstance(every, int) else None
        self._seconds = None if isinstance(every, int) or every == "auto" else float(every.removesuffix("s"))
        self._begin = time.monotonic()
        self._saves = 0
        self._cost = 0.0
        self._laps = {True: _Laps(), False: _Laps()}

    def due(self, step: int) -> bool:
        """Whether to save after this step."""
        if self._steps is not None:
            return step % self._steps == 0
        return time.monotonic() - self._begin >= self.seconds

    @property
    def seconds(self) -> float:
        """From one save to the next, where it does not go by steps."""
        if self._seconds is not None:
            return self._seconds
        return min(max(self._cost / max(self._saves, 1) / MOST_COST, SHORTEST), LONGEST)

    def stepped(self, seconds: float, *, writing: bool) -> None:
        """A step took so long, `writing` a checkpoint beside it or not."""
        self._laps[writing].add(seconds)

    def saved(self, seconds: float) -> None:
        """A state was taken to be written, and training stood still for so long; count anew."""
        disturbed, undisturbed = self._laps[True], self._laps[False]
        if disturbed.steps and undisturbed.steps:
            self._cost += max(disturbed.seconds - disturbed.steps * undisturbed.seconds / undisturbed.steps, 0.0)
        self._laps = {True: _Laps(), False: _Laps()}
        self._cost += seconds
        self._saves += 1
        self._begin = time.monotonic()


@dataclass(slots=True)
class _Laps:
    """Of one kind, since the last save."""

    steps: int = 0
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        self.steps += 1
        self.seconds += seconds
