"""How evenly ranks share the tokens of a batch, and what it costs: python -m tests.benchmarks.balance

A step takes as long as the rank with the most tokens, so the slowest rank's tokens over the mean are what counts: in
slices of the batch as it comes, and dealt by length as `trainer.data.order.ranks_of` does it, by the lengths that are
foreseen and by the true ones. What the second is over the third is what a better foresight would gain. Ends with an
error where the slowest of 64 ranks has over MOST times the mean.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from tests.benchmarks import squad_finetune
from tests.benchmarks.loader import tasks
from tests.benchmarks.real_text import DATA
from trainer.data.order import rank_slice, ranks_of
from trainer.tasks.pretrain import PretrainTask
from trainer.tasks.squad import SquadTask

MOST = 1.03
STEPS = 20
WORLDS = (2, 4, 8, 16, 32, 64)
SAMPLES_PER_RANK = 32
STAGES = ("128-pieces", "512-pieces", "512-one-text")

Lengths = tuple[NDArray[np.int64], NDArray[np.int64], float]
"""The foreseen and the true lengths of a batch, and the share of its making that foreseeing adds."""


def drawn(task: PretrainTask, step: int, size: int) -> Lengths:
    """Of instances that are drawn from documents."""
    samples = task._samples  # pyright: ignore[reportPrivateUsage]
    rounds, numbers = samples._order(step * size, (step + 1) * size)  # pyright: ignore[reportPrivateUsage]
    start = time.process_time()
    draws = samples._draws(rounds, numbers)  # pyright: ignore[reportPrivateUsage]
    foreseen = samples._instances.lengths(numbers, draws)  # pyright: ignore[reportPrivateUsage]
    middle = time.process_time()
    places = zip(rounds.tolist(), numbers.tolist(), draws, strict=True)
    made = [samples._sample(*place).input_ids.size for place in places]  # pyright: ignore[reportPrivateUsage]
    return foreseen, np.array(made), (middle - start) / (time.process_time() - middle)


def windows(task: SquadTask, step: int, size: int) -> Lengths:
    """Of windows on contexts, which are made when training starts."""
    _, numbers = task._order(step * size, (step + 1) * size)  # pyright: ignore[reportPrivateUsage]
    lengths = np.array([len(task._windows[number].input_ids) for number in numbers])  # pyright: ignore[reportPrivateUsage]
    return lengths, lengths, 0.0


def slowest(ranks: NDArray[np.int64], true: NDArray[np.int64]) -> float:
    tokens = np.bincount(ranks, weights=true)
    return float(tokens.max() / tokens.mean())


def rows_of(lengths: Callable[[int, int], Lengths]) -> list[list[float]]:
    """By slices, foreseen and true lengths, and the cost, for each of WORLDS."""
    return [np.mean([_figures(lengths, step, world) for step in range(STEPS)], axis=0).tolist() for world in WORLDS]


def _figures(lengths: Callable[[int, int], Lengths], step: int, world: int) -> tuple[float, float, float, float]:
    size = SAMPLES_PER_RANK * world
    foreseen, true, cost = lengths(step, size)
    slices = np.empty(size, np.int64)
    for rank in range(world):
        slices[rank_slice(size, rank, world)] = rank
    by = [slowest(ranks, true) for ranks in (slices, ranks_of(foreseen, world), ranks_of(true, world))]
    return by[0], by[1], by[2], cost


def main() -> int:
    torch.set_num_threads(1)
    table = Table(title=f"The slowest rank's tokens over the mean, {SAMPLES_PER_RANK} samples a rank")
    for column in ("", "ranks", "slices", "by foreseen lengths", "by true lengths", "a length / a sample, time"):
        table.add_column(column, justify="right" if column else "left")
    kinds: dict[str, list[list[float]]] = {}
    with tempfile.TemporaryDirectory() as storage:
        stages = tasks(storage)
        kinds = {name: rows_of(partial(drawn, stages[name])) for name in STAGES}
    if (DATA / "squad").is_dir():
        with tempfile.TemporaryDirectory() as storage:
            questions = squad_finetune.task("4 layers x 256", storage)
        kinds["SQuAD v1.1"] = rows_of(partial(windows, questions))
    for name, rows in kinds.items():
        for world, (*by, cost) in zip(WORLDS, rows, strict=True):
            table.add_row(name, str(world), *(f"{value:.3f}" for value in by), f"{cost:.4f}")
    Console().print(table)
    worst = max(foreseen for rows in kinds.values() for _, foreseen, _, _ in rows)
    if worst > MOST:
        print(f"uneven: the slowest rank may have {MOST} times the mean, and has {worst:.3f}")
    return int(worst > MOST)


if __name__ == "__main__":
    sys.exit(main())
