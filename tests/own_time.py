"""Time that passes only where a test says so: on a busy machine a real pause takes any time."""

from types import ModuleType

import pytest


class OwnTime:
    """What a module knows as `time`."""

    def __init__(self) -> None:
        self._now = 1000.0

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds


def own_time(monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> OwnTime:
    """Give a module a time of its own until the test is over."""
    time = OwnTime()
    monkeypatch.setattr(module, "time", time)
    return time
