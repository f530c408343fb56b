"""What it costs a training to be saved, beside one that stops for it: python -m tests.benchmarks.checkpointing [SHAPE]

The engine's own loop trains on one worker and all cores. Stretches of equal length come in turns: one that begins with
a save of ours, one without a save, and one that begins with what `transformers`' Trainer does: `torch.save` of weights
and of the optimizer's state, for which the step waits. Both write to the disk and are kept until the next. The cost of
a save is what its stretch takes longer than the one without; at one a minute that is its share of 60 s. The median over
the rounds counts. Ends with an error where ours takes over 1 % of the throughput.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from threading import Event

import torch

from tests.benchmarks.pretraining import LENGTHS, SHAPES, tasks
from tests.benchmarks.real_text import show
from trainer.engine.checkpoint import Checkpoints
from trainer.engine.loop import Loop
from trainer.engine.parallel import Workers
from trainer.engine.snapshot import Snapshot
from trainer.engine.state import State
from trainer.tasks.pretrain import PretrainTask
from trainer.tracking.tracker import Trackers

INTERVAL = 60.0
"""Seconds from one save to the next."""
MOST_COST = 0.01
KINDS = ("ours", "without", "torch.save")
PLANS = {"4 layers x 256": (8, 10.0, 7), "BERT-base": (4, 14.0, 3)}
"""Rows of a step, seconds of a stretch, rounds."""


class Timed(Checkpoints):
    """Knows how long the thread wrote."""

    def __init__(self, uri: str) -> None:
        super().__init__(uri, "benchmark", keep=1)
        self.writing: list[float] = []

    def write(self, snapshot: Snapshot, give_up: Event | None = None) -> None:
        begin = time.perf_counter()
        super().write(snapshot, give_up)
        self.writing.append(time.perf_counter() - begin)


class Stretches(Loop):
    """Trains in stretches of `length` steps, of each kind in turn; stops after `rounds` of them."""

    def __init__(self, task: PretrainTask, folder: str, length: int, rounds: int) -> None:
        self.moments: list[float] = []
        """Of the ends of the stretches."""
        self.waited: dict[str, list[float]] = {kind: [] for kind in KINDS}
        self.written = Timed(f"{folder}/checkpoints")
        self._length = length
        self._rounds = rounds
        self._theirs = Path(folder, "theirs.pt")
        super().__init__(
            task,
            State.fresh(task.model, task.settings),
            Workers(torch.device("cpu")),
            seed=0,
            checkpoints=self.written,
            checkpoint_every=10**9,
            tracker=Trackers(),
            stop_requested=self._between_two_steps,
        )

    def _between_two_steps(self) -> bool:
        stretch, step = divmod(self.state.step, self._length)
        if step:
            return False
        self.moments.append(time.perf_counter())
        begin = time.perf_counter()
        kind = KINDS[stretch % len(KINDS)]
        if kind == "ours":
            self._save()
        elif kind == "torch.save":
            torch.save((self.state.model.state_dict(), self.state.optimizer.state_dict()), self._theirs)
        self.waited[kind].append(time.perf_counter() - begin)
        return stretch == (self._rounds + 1) * len(KINDS)

    def stretches(self) -> dict[str, list[float]]:
        """Seconds of each, by kind; without the first round, which warms up."""
        seconds = [after - before for before, after in pairwise(self.moments)][len(KINDS) :]
        return {kind: seconds[number :: len(KINDS)] for number, kind in enumerate(KINDS)}


def step_seconds(task: PretrainTask, folder: str) -> float:
    loop = Stretches(task, folder, length=4, rounds=0)
    loop.run()
    return (loop.moments[2] - loop.moments[1]) / 4


def measured(shape: str) -> tuple[list[list[str]], float]:
    """The rows of the table, and the share of the throughput that ours takes."""
    batch, seconds, rounds = PLANS[shape]
    with tempfile.TemporaryDirectory(prefix="berth-benchmark-") as folder:
        task = tasks(folder, SHAPES[shape], length=128, batch=batch)[LENGTHS[0]]
        length = max(round(seconds / step_seconds(task, folder)), 2)
        loop = Stretches(task, folder, length, rounds)
        loop.run()
    stretches = loop.stretches()
    lost = {
        kind: median(mine - none for mine, none in zip(stretches[kind], stretches["without"], strict=True))
        for kind in ("ours", "torch.save")
    }
    writing = {"ours": median(loop.written.writing[1:]), "torch.save": median(loop.waited["torch.save"][1:])}
    rows = [
        [
            f"{shape}, {kind}",
            f"{median(loop.waited[kind][1:]):.3f}",
            f"{writing[kind]:.2f}",
            f"{lost[kind]:.2f}",
            f"{lost[kind] / INTERVAL:.2%}",
            f"{lost[kind] / lost['torch.save']:.2f}",
        ]
        for kind in lost
    ]
    return rows, lost["ours"] / INTERVAL


def main(shapes: Sequence[str]) -> bool:
    """Print the table; says whether the bound is kept."""
    found = [measured(shape) for shape in shapes]
    columns = ["", "step waits, s", "writing, s", "a save loses, s", f"at one in {INTERVAL:g} s", "x torch.save"]
    worst = max(share for _, share in found)
    bound = f"Required: at most {MOST_COST:.0%} of the throughput: {worst:.2%}."
    show("What a checkpoint costs a training", columns, [row for rows, _ in found for row in rows], bound)
    return worst <= MOST_COST


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1:] or list(PLANS)) else 1)
