"""What a run does, seen from outside: its newest step at the Master's metrics, its newest checkpoint on storage."""

import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from urllib.request import urlopen

EVERY = 0.1
"""Seconds between two looks."""
PAUSE = 2.5
"""Seconds without a step that are no longer a slow step or a checkpoint."""


@dataclass(frozen=True, slots=True)
class Seen:
    at: float
    """Of the monotonic clock."""
    step: int
    workers: int
    saved: int
    """The step of the newest checkpoint."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one fault."""

    before: int
    """The step at which it came."""
    lost: int
    """Steps done again, or never known to be done."""
    still: float | None
    """Seconds from the fault to the first step after it; None where the training did not stop, infinite where none
    came.
    """
    pause: float
    """Seconds without a step; less than `still` where the group trained on at first, as it does before a resize."""
    workers: int
    """In the group that trained then."""


class Watch:
    """Looks until it is told to end.

    Args:
        address: of the Master's metrics now; None while it has none.
        saved: the step of the newest checkpoint.
    """

    def __init__(self, address: Callable[[], str | None], saved: Callable[[], int]) -> None:
        self.seen: list[Seen] = []
        self._address = address
        self._saved = saved
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join(10)

    def _look(self) -> None:
        while not self._ended.wait(EVERY):
            with suppress(OSError, ValueError):  # the Master is not there, or not yet
                if (address := self._address()) and (figures := _figures(address)):
                    self._note(*figures)

    def _note(self, step: int, workers: int) -> None:
        if not self.seen or (self.seen[-1].step, self.seen[-1].workers) != (step, workers):
            self.seen.append(Seen(time.monotonic(), step, workers, self._saved()))


def _figures(address: str) -> tuple[int, int] | None:
    with urlopen(f"http://{address}:6386/metrics", timeout=1) as answer:
        told = answer.read().decode()
    found = {name: float(value) for name, value in re.findall(r"^berth_(\w+)\{.*\} (\S+)$", told, re.MULTILINE)}
    return (int(found["step"]), int(found["train_world_size"])) if "step" in found else None


def cost(seen: list[Seen], at: float, until: float) -> Cost:
    """What the fault at a moment cost, the next one coming at another.

    A group that starts again has its checkpoint in the look before its first step, which may itself be some steps on.
    A fault that meets a run that is not back from the one before costs only time: the steps are that one's.
    """
    before = next((look for look in reversed(seen) if look.at <= at), seen[0])
    last = before
    for look in seen:
        if look.at <= at:
            continue
        if look.at > until and last.at > until - PAUSE:
            return Cost(before.step, 0, None, 0, last.workers)
        pause = look.at - max(last.at, at)
        if look.step < last.step or pause > PAUSE:
            resumed = min(look.saved, look.step - 1)
            lost = 0 if at - before.at > PAUSE else max(last.step - resumed, 0)
            return Cost(before.step, lost, look.at - at, pause, look.workers)
        last = look
    if until - max(last.at, at) > PAUSE:
        return Cost(before.step, 0, inf, inf, last.workers)
    return Cost(before.step, 0, None, 0, last.workers)
