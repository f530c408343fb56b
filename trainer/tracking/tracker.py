"""Where the numbers of a training go: a `Tracker`, and several taken for one.

In: one flat record of floats per logged step, from rank 0. Out: whatever the tracker makes of it (W&B, a file, the
terminal). A tracker never raises into training: a curve that is lost costs less than a training that stops.
"""

from collections.abc import Mapping
from typing import Protocol


class Tracker(Protocol):
    """Receives the records of one stage, in the order of their steps."""

    def log(self, record: Mapping[str, float], step: int) -> None:
        """Record metrics such as `train/loss` as they stand after optimizer step `step`."""
        ...

    def finish(self, summary: Mapping[str, float]) -> None:
        """Record the stage's final metrics; nothing is logged afterwards."""
        ...


class Trackers:
    """Several trackers taken for one; none at all is a tracker that forgets."""

    def __init__(self, *trackers: Tracker) -> None:
        self._trackers = trackers

    def log(self, record: Mapping[str, float], step: int) -> None:
        for tracker in self._trackers:
            tracker.log(record, step)

    def finish(self, summary: Mapping[str, float]) -> None:
        for tracker in self._trackers:
            tracker.finish(summary)
