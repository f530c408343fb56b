"""Where the numbers of a training go: a `Tracker`, and several taken for one.

In: one flat record of floats per logged step, from rank 0; at the end, where its results lie. Out: whatever the tracker
makes of it (W&B, a file, the terminal). A tracker never raises into training: a curve that is lost costs less than a
training that stops.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from trainer.tracking.answers import Answers


@dataclass(frozen=True, slots=True)
class Reference:
    """Files that lie on storage: where, not what is in them."""

    name: str
    kind: Literal["model", "dataset"]
    uri: str
    """Of their folder."""
    files: tuple[str, ...]
    """Their names in it."""
    facts: Mapping[str, Any]
    """What is known of them."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a finished stage leaves beside its figures."""

    model: Reference
    answers: Answers = field(default_factory=Answers)


class Tracker(Protocol):
    """Receives the records of one stage, in the order of their steps."""

    def log(self, record: Mapping[str, float], step: int) -> None:
        """Record metrics such as `train/loss` as they stand after optimizer step `step`."""
        ...

    def finish(self, summary: Mapping[str, float], outcome: Outcome | None = None) -> None:
        """Record the stage's final metrics and what it leaves; nothing is logged afterwards. A stage without an outcome
        makes way for another group and goes on there.
        """
        ...


class Trackers:
    """Several trackers taken for one; none at all is a tracker that forgets."""

    def __init__(self, *trackers: Tracker) -> None:
        self._trackers: Sequence[Tracker] = trackers

    def log(self, record: Mapping[str, float], step: int) -> None:
        for tracker in self._trackers:
            tracker.log(record, step)

    def finish(self, summary: Mapping[str, float], outcome: Outcome | None = None) -> None:
        for tracker in self._trackers:
            tracker.finish(summary, outcome)
