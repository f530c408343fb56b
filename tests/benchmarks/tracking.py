"""What W&B costs a training, whatever the network does: python -m tests.benchmarks.tracking [ROUNDS]

The engine's own loop trains a small BERT on one worker and all cores, each step a point of the curves, which is more
often than any run logs. Each training is a process of its own: W&B off, offline, online to a server that answers, and
online to one that accepts everything and never answers again once the training has begun. Real W&B; the server is
tests/tracking/wandb_server.py. They take turns of some steps, each once with its tracker and once with none: two
processes on one machine are never equally fast. A turn is compared with its neighbour, and the median counts. What
W&B's own process does in the background is in neither, so its share of the cores comes on top. Ends with an error where
both together are over 2 %.
"""

import contextlib
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any, Literal, NamedTuple

import numpy as np
import psutil
import torch
from rich.progress import track

from tests.benchmarks.pretraining import LENGTHS, SHAPES, tasks
from tests.benchmarks.real_text import show
from tests.tracking.wandb_server import WandbServer
from trainer.config.operation import Tracking
from trainer.engine.loop import Loop
from trainer.engine.parallel import Workers
from trainer.engine.state import State
from trainer.tracking.tracker import Outcome, Tracker
from trainer.tracking.wandb_tracker import WandbTracker

MOST = 0.02
STRETCH = 10
"""Steps of a turn."""
WARM_UP, ROUNDS = 3, 40
Mode = Literal["off", "offline", "online", "online, hanging"]
MODES: tuple[Mode, ...] = ("off", "offline", "online", "online, hanging")
SETTINGS: dict[Mode, str] = {"off": "disabled", "offline": "offline", "online": "online", "online, hanging": "online"}


class _Unsaved:
    """No checkpoints: writing them is not what is measured."""

    def write(self, *_: Any) -> None:
        pass


class Switched:
    """A tracker that can be left out."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self.on = True

    def log(self, record: Mapping[str, float], step: int) -> None:
        if self.on:
            self._tracker.log(record, step)

    def finish(self, summary: Mapping[str, float], outcome: Outcome | None = None) -> None:
        self._tracker.finish(summary, outcome)


class Turns:
    """Trains `STRETCH` steps each time that the other end of a pipe asks for it, and says how long they took."""

    def __init__(self, pipe: Connection, tracker: Switched) -> None:
        self._pipe = pipe
        self._tracker = tracker
        self._steps = 0
        self._begin = 0.0

    def over(self) -> bool:
        """Asked between two steps: whether no stretch is wanted any more."""
        if self._steps % STRETCH == 0:
            if self._steps:
                self._pipe.send((time.perf_counter() - self._begin, background_seconds()))
            asked = self._pipe.recv()
            if asked is None:
                return True
            self._tracker.on = asked
            self._begin = time.perf_counter()
        self._steps += 1
        return False


def background_seconds() -> float:
    """CPU time of W&B's own process up to now."""
    times = [child.cpu_times() for child in psutil.Process().children() if "wandb-core" in child.name()]
    return sum(each.user + each.system for each in times)


def train(mode: Mode, folder: str, server: dict[str, str], pipe: Connection) -> None:
    """In a process of its own; `server` is the environment by which W&B finds it."""
    os.environ |= server
    task = tasks(folder, SHAPES["4 layers x 256"], length=128, batch=8)[LENGTHS[1]]
    task.settings = task.settings.model_copy(update={"log_every": 1})
    wandb = WandbTracker(
        Tracking.model_validate({"wandb": SETTINGS[mode]}),
        run_name="benchmark",
        stage=mode.replace(", ", "-"),
        kind="pretrain",
        config={},
        folder=Path(tempfile.mkdtemp(dir=folder)),
    )
    tracker = Switched(wandb)
    pipe.send("ready")
    Loop(
        task,
        State.fresh(task.model, task.settings),
        Workers(torch.device("cpu")),
        seed=0,
        checkpoints=_Unsaved(),  # pyright: ignore[reportArgumentType]
        checkpoint_every=10**9,
        tracker=tracker,
        stop_requested=Turns(pipe, tracker).over,
    ).run()
    tracker.finish({})


class Cost(NamedTuple):
    """Of one way to track."""

    longer: list[float]
    """Seconds of a turn with it by those without, of each round."""
    cores: float
    """Share of all cores that W&B's own process took."""

    @property
    def total(self) -> float:
        return median(self.longer) - 1 + self.cores


def measured(rounds: int, folder: str) -> dict[Mode, Cost]:
    """The first rounds warm up and do not count."""
    spawn = multiprocessing.get_context("spawn")
    longer: dict[Mode, list[float]] = {mode: [] for mode in MODES}
    background = dict.fromkeys(MODES, 0.0)
    with contextlib.ExitStack() as stack:
        servers = {mode: stack.enter_context(WandbServer().listening()) for mode in MODES}
        pipes: dict[Mode, Connection] = {}
        processes: dict[Mode, Any] = {}
        for mode in MODES:
            pipes[mode], theirs = spawn.Pipe()
            arguments = (mode, folder, servers[mode].environment, theirs)
            processes[mode] = spawn.Process(target=train, args=arguments)
            processes[mode].start()
            assert pipes[mode].recv() == "ready"
        servers["online, hanging"].fault = "hang"
        begin = time.perf_counter()
        for number in track(range(WARM_UP + rounds), "rounds"):
            for mode in MODES:
                seconds: dict[bool, float] = {}
                for on in (True, False) if number % 2 else (False, True):
                    pipes[mode].send(on)
                    seconds[on], background[mode] = pipes[mode].recv()
                longer[mode] += [seconds[True] / seconds[False]] if number >= WARM_UP else []
        wall = time.perf_counter() - begin
        servers["online, hanging"].fault = None
        for mode, process in processes.items():
            pipes[mode].send(None)
            process.join()
        assert len(servers["online"].runs["benchmark.online"].history) == (WARM_UP + rounds) * STRETCH
    cores = len(os.sched_getaffinity(0))
    return {mode: Cost(longer[mode], background[mode] / wall / cores) for mode in MODES}


def main(rounds: int) -> bool:
    """Print the table; says whether the bound is kept."""
    with tempfile.TemporaryDirectory(prefix="berth-benchmark-") as folder:
        costs = measured(rounds, folder)
    rows = [
        [
            mode,
            f"{median(cost.longer):.3f}",
            "{:.3f} to {:.3f}".format(*(np.quantile(cost.longer, share) for share in (0.25, 0.75))),
            f"{cost.cores:.2%}",
            f"{cost.total:.2%}",
        ]
        for mode, cost in costs.items()
    ]
    worst = max(cost.total for cost in costs.values())
    bound = f"{rounds} rounds of {STRETCH} steps. Required: at most {MOST:.0%}; the worst: {worst:.2%}."
    columns = ["W&B", "x without", "half of the rounds", "cores beside", "together"]
    show("What W&B costs a training step", columns, rows, bound)
    return worst <= MOST


if __name__ == "__main__":
    sys.exit(0 if main(int((sys.argv[1:] or [ROUNDS])[0])) else 1)
