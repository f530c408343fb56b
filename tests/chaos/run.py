"""One run, undisturbed or by a schedule, wherever its pods are."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from random import Random
from typing import Any, Protocol

from tests.chaos.schedule import Planned
from tests.chaos.watch import Cost, Watch, cost

EVERY = 25
"""Steps between two checkpoints."""
MOST_WORKERS = 3
START_SECONDS = 300.0
"""Until the first step."""

Fault = Callable[[Random], None]
"""Is done by calling it; which pod it meets is drawn. One that lasts returns when it is over."""


class Lane(Protocol):
    """Where a run's pods are."""

    faults: Mapping[str, Fault]

    def start(self) -> None: ...

    def wait(self, seconds: float) -> int | None:
        """At most so long, for the end; the exit code of the run, None while it goes on."""
        ...

    def address(self) -> str | None:
        """Of the Master's metrics now."""
        ...

    def saved(self) -> int:
        """The step of the newest checkpoint."""
        ...

    def result(self) -> Path:
        """A folder with what the stage has left on storage."""
        ...


@dataclass(frozen=True, slots=True)
class Done:
    """A fault that came."""

    fault: str
    at: float
    """Seconds since the first step."""
    cost: Cost

    @property
    def still(self) -> str:
        """How long until a step of the group after it, in words."""
        return "went on" if self.cost.still is None else _in_words(self.cost.still)

    @property
    def pause(self) -> str:
        """How long no step was done, in words."""
        return _in_words(self.cost.pause)


def _in_words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < inf else "for good"


def met_together(first: Done, done: Sequence[Done]) -> list[Done]:
    """It, and what came before the run was back: `cost` gives all of it to the first."""
    back = first.at + (first.cost.still or 0)
    return [each for each in done if each is first or first.at < each.at < back]


def configuration(steps: int, *, elastic: bool) -> dict[str, Any]:
    """Settings of a run that is small, and whose steps do all that a step does.

    Args:
        elastic: follow the pods; else wait for two. Dropout, which is drawn for each worker, is for the latter.
    """
    dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0} if elastic else {}
    return {
        "world": {"towns": 60, "dev_towns": 8},
        "corpus": {"sources": [{"path": "run://world/articles.txt"}], "held_out": 0.05},
        "vocab": {"size": 600},
        "model": {
            "hidden_size": 64,
            "num_hidden_layers": 4,
            "num_attention_heads": 2,
            "intermediate_size": 256,
            "max_position_embeddings": 128,
            **dropout,
        },
        "pretrain": {
            "max_steps": steps,
            "batch_size": 32,
            "micro_batch_size": 8,
            "max_length": 128,
            "precision": "fp32",
            "log_every": 1,
            "eval_every": 1_000_000,
            "optimizer": {"learning_rate": 1e-4},
        },
        "scaling": {"num_workers": [1, MOST_WORKERS] if elastic else 2},
        "checkpoint": {"every": EVERY},
        "limits": {
            "deadline_hours": max(0.9, steps / 6000),  # less than the clock jumps, where the run itself takes less
            "stall_minutes": 0.5,  # for what is frozen
        },
    }


def trained(lane: Lane, planned: Sequence[Planned], seed: int, seconds: float) -> tuple[int | None, list[Done]]:
    """Run to the end by a schedule; the exit code, None if it did not come, and what came of the faults.

    A run that does no step in START_SECONDS is given up.

    Args:
        seconds: after the last fault until the run is given up.
    """
    watch = Watch(lane.address, lane.saved)
    lane.start()
    if not _begins(lane, watch):
        watch.end()
        return lane.wait(0), []
    began = watch.seen[0].at
    random = Random(seed)
    moments: list[tuple[str, float]] = []
    for each in planned:
        if lane.wait(began + each.at - time.monotonic()) is not None:
            break
        moments.append((each.fault, time.monotonic()))
        print(f"{time.monotonic() - began:6.1f} s  {each.fault}", flush=True)
        lane.faults[each.fault](random)
    outcome = lane.wait(seconds)
    watch.end()
    over = watch.seen[-1].at if outcome == 0 else time.monotonic()
    ends = [*(at for _, at in moments[1:]), over]
    return outcome, [
        Done(fault, at - began, cost(watch.seen, at, until)) for (fault, at), until in zip(moments, ends, strict=False)
    ]


def _begins(lane: Lane, watch: Watch) -> bool:
    """Whether the first step is seen in time."""
    deadline = time.monotonic() + START_SECONDS
    while not watch.seen and time.monotonic() < deadline and lane.wait(0.1) is None:
        pass
    return bool(watch.seen)
