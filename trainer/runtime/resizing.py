"""When a group of workers should make way for a smaller or a larger one.

A node that leaves cannot be waited for. Nodes that join are: a resize costs some seconds, so many that join one after
the other are one resize, `scaling.settle_seconds` after the last of them.
"""

import time

from trainer.config.operation import Scaling
from trainer.runtime.nodes import Places


class Resizing:
    """Watches the places while a group runs on those that were there when it began."""

    def __init__(self, scaling: Scaling, begin: Places) -> None:
        self._settle_seconds = scaling.settle_seconds
        self._begin = begin
        self._seen = begin
        self._changed_at = time.monotonic()

    def due(self, now: Places) -> bool:
        """Whether it is time for another group."""
        if now != self._seen:
            self._seen, self._changed_at = now, time.monotonic()
        if not now.nodes.keys() >= self._begin.nodes.keys():
            return True
        return now.workers > self._begin.workers and time.monotonic() - self._changed_at >= self._settle_seconds
