"""A worker's signs of life: what it is at, and how much of that it has finished.

A sign is given by the thread that trains, with each forward pass, so none comes from a worker that hangs. What it hangs
in is asked of the process itself: SIGUSR1 makes Python write the stacks of all threads, in C and without its lock, so
also out of a call that never comes back.
"""

import faulthandler
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

_TELL_EVERY = 2.0
"""Seconds between two signs, at least."""
_UNEVEN = 3
"""Passes at the beginning of a stage that may take longer: they compile, and measure what is fastest."""


@dataclass(frozen=True, slots=True)
class Sign:
    """Where a worker is. A new sign that differs from the one before is progress."""

    rank: int
    node: str
    """Ray's id of it."""
    process: int
    stacks: int
    """The file descriptor, in that process, to which SIGUSR1 writes the stacks."""
    doing: str
    done: int
    """Forward passes since it began with that."""
    slowest: float
    """Seconds that the longest of them took, with all that came between it and the next."""
    steady: bool
    """Whether the next pass should come about as fast as the ones before."""


class Pulse:
    """Gives the signs of this process.

    Args:
        tell: takes a sign and returns at once.
    """

    def __init__(self, tell: Callable[[Sign], object], *, rank: int, node: str) -> None:
        self._tell = tell
        self._rank = rank
        self._node = node
        self._stacks = os.memfd_create("stacks")  # nothing stays of it when the process has ended
        faulthandler.register(signal.SIGUSR1, self._stacks, all_threads=True)
        self.enter("starting")

    def enter(self, doing: str, *, even: bool = False) -> None:
        """Begin with something else.

        Args:
            even: it is made of forward passes that take about the same time each.
        """
        self._doing = doing
        self._even = even
        self._done = 0
        self._slowest = 0.0
        self._last = time.monotonic()
        self._give()

    def beat(self) -> None:
        """A forward pass begins, so the one before it is finished."""
        now = time.monotonic()
        self._done += 1
        if self._done > _UNEVEN:
            self._slowest = max(self._slowest, now - self._last)
        self._last = now
        if now - self._told >= _TELL_EVERY or self._done == _UNEVEN:
            self._give()

    def _give(self) -> None:
        self._told = time.monotonic()
        steady = self._even and self._done >= _UNEVEN
        self._tell(
            Sign(self._rank, self._node, os.getpid(), self._stacks, self._doing, self._done, self._slowest, steady)
        )
