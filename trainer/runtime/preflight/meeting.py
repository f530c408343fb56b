"""A place where workers tell one another something: the store that their process group met at.

It does not need the network that is being tested, only that each worker reaches the first one, which the group's start
has shown. Nothing waits for longer than the meeting lasts.
"""

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import timedelta

from torch._C._distributed_c10d import HashStore, PrefixStore, Store  # without torch.distributed's types

GRACE = 5.0
"""Seconds beyond the end: for those who waited for a silent one until then to tell of it, and for the first worker to
say what came of it.
"""


class Meeting:
    """Texts under names, for all workers.

    Args:
        store: of the workers' process group; None for a worker that is alone.
        seconds: how long the meeting lasts.
    """

    def __init__(self, store: Store | None, seconds: float) -> None:
        self._store = PrefixStore("preflight", store or HashStore())
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until the end; never nothing, for a time limit of 0 is none."""
        return max(self._end - time.monotonic(), 0.01)

    def tell(self, name: str, text: str) -> None:
        with suppress(RuntimeError):  # the first worker is gone; who waits for its answer will see
            self._store.set(name, text)

    def hear(self, name: str) -> str | None:
        """Wait for a text; None if it does not come."""
        return self.hear_all([name]).get(name)

    def hear_all(self, names: Iterable[str], beyond: float = 0.0) -> Mapping[str, str]:
        """Wait for texts, if asked some seconds beyond the end; only those that came."""
        wanted = list(names)
        with suppress(RuntimeError):  # a time limit that is over, or the first worker is gone
            self._store.wait(wanted, timedelta(seconds=self.left() + beyond))
        return self.told(wanted)

    def told(self, names: Iterable[str]) -> Mapping[str, str]:
        """Texts that are there now."""
        try:
            return {name: self._store.get(name).decode() for name in names if self._store.check([name])}
        except RuntimeError:
            return {}

    def announce(self, name: str, text: str, ranks: Iterable[int]) -> None:
        """Tell, and stay until these ranks have received it: the store is gone when the first worker is."""
        self.tell(name, text)
        self.hear_all([f"{name}/{rank}" for rank in ranks], beyond=2 * GRACE)

    def receive(self, name: str, rank: int) -> str | None:
        """What the first worker announces to this one; None if it does not."""
        text = self.hear_all([name], beyond=2 * GRACE).get(name)
        if text is not None:
            self.tell(f"{name}/{rank}", "received")
        return text
