"""How far a preparation is, told now and then."""

import time
from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""Called with what is counted, how many are done, and how many there are if that is known."""

_TELL_EVERY = 0.1
"""Seconds between two calls of `progress`."""


class Count:
    """Counts documents and tells of it now and then; whoever is told may raise to stop the work."""

    def __init__(self, progress: Progress, total: int | None = None) -> None:
        self.done = 0
        self._progress = progress
        self._total = total
        self._told_at = time.monotonic()

    def add(self, number: int) -> None:
        self.done += number
        if time.monotonic() - self._told_at >= _TELL_EVERY:
            self._progress("documents", self.done, self._total)
            self._told_at = time.monotonic()

    def finish(self) -> None:
        self._progress("documents", self.done, self.done)
