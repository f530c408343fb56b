"""How evenly ranks share the tokens of a batch, and what it costs: python -m tests.benchmarks.balance

A step takes as long as the rank with the most tokens, so the slowest rank's tokens over the mean are what counts: in
slices of the batch as it comes, and dealt by length as `trainer.data.order.ranks_of` does it, by the lengths that are
foreseen and by the true ones. What the second is over the third is what a better foresight would gain.
"""

import tempfile
import time

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from tests.benchmarks.loader import tasks
from trainer.data.order import rank_slice, ranks_of
from trainer.tasks.pretrain import PretrainTask

STEPS = 20
WORLDS = (2, 4, 8, 16, 32, 64)
SAMPLES_PER_RANK = 32


def lengths(task: PretrainTask, step: int, batch_size: int) -> tuple[NDArray[np.int64], NDArray[np.int64], float]:
    """The foreseen and the true lengths of a batch, and the share of its making that foreseeing adds."""
    samples = task._samples  # pyright: ignore[reportPrivateUsage]
    rounds, numbers = samples._order(step * batch_size, (step + 1) * batch_size)  # pyright: ignore[reportPrivateUsage]
    places = list(zip(rounds.tolist(), numbers.tolist(), strict=True))
    start = time.process_time()
    foreseen = samples._instances.lengths(numbers)  # pyright: ignore[reportPrivateUsage]
    middle = time.process_time()
    made = [samples._sample(*place).input_ids.size for place in places]  # pyright: ignore[reportPrivateUsage]
    return foreseen, np.array(made), (middle - start) / (time.process_time() - middle)


def slowest(ranks: NDArray[np.int64], true: NDArray[np.int64]) -> float:
    tokens = np.bincount(ranks, weights=true)
    return float(tokens.max() / tokens.mean())


def main() -> None:
    torch.set_num_threads(1)
    table = Table(title=f"The slowest rank's tokens over the mean, {SAMPLES_PER_RANK} samples a rank")
    for column in ("", "ranks", "slices", "by foreseen lengths", "by true lengths", "a length / a sample, time"):
        table.add_column(column, justify="right" if column else "left")
    with tempfile.TemporaryDirectory() as storage:
        stages = tasks(storage)
        for name in ("128-pieces", "512-pieces", "512-one-text"):
            for world in WORLDS:
                figures = [_figures(stages[name], step, world) for step in range(STEPS)]
                slices, foreseen, true, cost = np.mean(figures, axis=0).tolist()
                row = (f"{slices:.3f}", f"{foreseen:.3f}", f"{true:.3f}", f"{cost:.4f}")
                table.add_row(name, str(world), *row)
    Console().print(table)


def _figures(task: PretrainTask, step: int, world: int) -> tuple[float, float, float, float]:
    size = SAMPLES_PER_RANK * world
    foreseen, true, cost = lengths(task, step, size)
    slices = np.empty(size, np.int64)
    for rank in range(world):
        slices[rank_slice(size, rank, world)] = rank
    by = [slowest(ranks, true) for ranks in (slices, ranks_of(foreseen, world), ranks_of(true, world))]
    return by[0], by[1], by[2], cost


if __name__ == "__main__":
    main()
