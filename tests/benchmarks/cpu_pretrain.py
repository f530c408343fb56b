"""Pretraining on a CPU beside `transformers`: python -m tests.benchmarks.cpu_pretrain [ROW ...]

Masked LM as run_mlm does it, 512 tokens at most, the published dropout (0.1 of hidden states, 0.1 of attention) on both
sides; the engine's own loop beside `Trainer`'s (`training_steps`), on the same batches of the same corpus, in turns.
`plain` is transformers' model as run_mlm leaves it to a CPU: fp32, eager attention, rows padded to the longest of the
batch. `fixed` pads all to 512 (--pad_to_max_length). `tuned` is by a user who knows how: bf16 autocast, SDPA and
torch.compile with dynamic lengths. Tokens are real ones, never padding; steps are whole, their times medians.
Ends with an error where a ratio is under its bound. ROW is `small-real`, `small-full` or `base-full`; all by default.
"""

import sys
import tempfile
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

import torch
import transformers

from tests.benchmarks import pretraining
from tests.benchmarks.pretraining import LENGTHS, SHAPES
from tests.benchmarks.real_text import DATA, show
from tests.benchmarks.training_steps import Ours, Steps, Theirs, in_turns
from trainer.tasks.pretrain import PretrainTask

CPU = torch.device("cpu")
LENGTH = 512


class Row(NamedTuple):
    """What is measured: a model, its batches, and how many times as fast as each peer we have to be."""

    shape: str
    lengths: str
    batch: int
    rounds: int
    least: dict[str, float | None]


REAL, FULL = LENGTHS
ROWS = {
    "small-real": Row("4 layers x 256", REAL, 8, 8, {"plain": 8.0, "fixed": None, "tuned": 1.5}),
    "small-full": Row("4 layers x 256", FULL, 8, 6, {"plain": 6.0, "tuned": None}),
    "base-full": Row("BERT-base", FULL, 4, 3, {"plain": 4.5}),
}


def peer(name: str, task: PretrainTask) -> Steps:
    if name == "tuned":
        return Theirs(pretraining.peer(task, "sdpa"), task, CPU, bf16=True, compiled=True)
    return Theirs(pretraining.peer(task, "eager"), task, CPU, length=LENGTH if name == "fixed" else None)


def rates(task: PretrainTask, row: Row) -> dict[str, float]:
    """Real tokens a second of us and of each peer: the median over the steps."""
    runners: dict[str, Steps] = {name: peer(name, task) for name in row.least} | {"ours": Ours(task, CPU)}
    seconds = in_turns(runners, rounds=row.rounds)
    tokens = [sum(batch.tokens for batch in task.micro_batches(step, 0, 1)) for step in range(1, row.rounds + 1)]
    return {
        name: median(count / taken for count, taken in zip(tokens, each, strict=True)) for name, each in seconds.items()
    }


def measured(row: Row) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="berth-benchmark-") as storage:
        tasks = pretraining.tasks(storage, SHAPES[row.shape], length=LENGTH, batch=row.batch)
        return rates(tasks[row.lengths], row)


def main(names: Sequence[str]) -> bool:
    """Print the table; says whether the bounds are kept."""
    table: list[list[str]] = []
    kept = True
    for name in names:
        row = ROWS[name]
        found = measured(row)
        table.append([f"{row.shape}, {row.lengths}, {row.batch} rows: Berth", f"{found['ours']:,.0f}", "", ""])
        for other, least in row.least.items():
            ratio = found["ours"] / found[other]
            kept = kept and (least is None or ratio >= least)
            bound = "" if least is None else f"{least:g} x"
            table.append([f"  transformers, {other}", f"{found[other]:,.0f}", f"{ratio:.2f} x", bound])
    show(
        "Pretraining on a CPU, dropout 0.1 and 0.1",
        ["", "tokens/s", "Berth is faster by", "required"],
        table,
        f"Required ratios are {'kept' if kept else 'NOT kept'}.",
        f"torch {torch.__version__}, {torch.get_num_threads()} threads; transformers {transformers.__version__}; "
        + ("real text" if DATA.is_dir() else "the invented world"),
    )
    return kept


if __name__ == "__main__":
    sys.exit(not main(sys.argv[1:] or list(ROWS)))
