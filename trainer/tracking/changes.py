"""A stage's history -> where it changed hands: other workers took over, or it went back to a checkpoint."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from trainer.tracking import formatting
from trainer.tracking.stages import Stage


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened after a step."""

    step: int
    """The last one that was logged before."""
    text: str


def changes(stage: Stage) -> list[Change]:
    """In the order of the steps."""
    points = pairwise(stage.history.items())
    return [Change(step, text) for (step, before), (_, after) in points for text in _between(before, after)]


def _between(before: Mapping[str, float], after: Mapping[str, float]) -> Iterator[str]:
    old, new = (int(point.get("train/world_size", 0)) for point in (before, after))
    if old != new:
        yield f"from {old} to {formatting.workers(new)}"
    elif _rises("train/restarts", before, after):
        yield "restarted"
    if _rises("train/rollbacks", before, after):
        yield "back to a checkpoint after bad steps"


def _rises(name: str, before: Mapping[str, float], after: Mapping[str, float]) -> bool:
    return after.get(name, 0) > before.get(name, 0)
