"""Several trackers taken for one."""

from collections.abc import Mapping
from typing import Any

from trainer.tracking.tracker import Outcome, Trackers


class Memory:
    """A tracker that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def log(self, record: Mapping[str, float], step: int) -> None:
        self.heard.append((step, dict(record)))

    def finish(self, summary: Mapping[str, float], outcome: Outcome | None = None) -> None:
        self.heard.append(dict(summary))


def test_several_trackers_all_hear_everything_in_order() -> None:
    memories = Memory(), Memory()
    trackers = Trackers(Memory(), Trackers(*memories))
    trackers.log({"train/loss": 2.0}, 10)
    trackers.log({"train/loss": 1.0}, 20)
    trackers.finish({"eval/mlm_loss": 1.5})
    for memory in memories:
        assert memory.heard == [(10, {"train/loss": 2.0}), (20, {"train/loss": 1.0}), {"eval/mlm_loss": 1.5}]
