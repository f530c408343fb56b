"""Pretraining on a GPU beside `transformers` with sdpa and torch.compile: python -m tests.benchmarks.gpu_pretrain

    --rows 128    of 512 tokens at most, in a step
    --dry-run     the same code on a CPU, with a tiny model: no figure of it means anything
    --predict     what a step of BERT-base should take on an H100 and an H200, with its arithmetic; needs no GPU

Masked LM, BERT-base, length 512, bf16 autocast on both sides, hidden dropout 0.1, attention dropout 0 and 0.1; real
lengths (theirs padded to the longest of the batch) and full rows. Ours is the engine's own loop. Times are between CUDA
events at the steps' ends, medians, after steps that warm up and compile. The share of the peak counts the operations
that the model needs for real tokens (`flops`), by the chip's dense bf16 peak (`chip`). Ends with an error where, at
attention dropout 0 and real lengths, it is under LEAST_SHARE or we are less than LEAST_RATIO times as fast.
"""

import argparse
import sys
import tempfile
from statistics import mean, median

import torch
import transformers

from tests.benchmarks import flops, gpu_prediction, pretraining
from tests.benchmarks.chip import CHIPS, this_chip
from tests.benchmarks.pretraining import LENGTHS, SHAPES
from tests.benchmarks.real_text import DATA, show
from tests.benchmarks.training_steps import Ours, Theirs, in_turns
from trainer.tasks.pretrain import PretrainTask

LEAST_SHARE = 0.55
LEAST_RATIO = 3.0
ATTENTION_DROPOUTS = (0.0, 0.1)
TURNS = {"rounds": 3, "steps": 10}
DRY_TURNS = {"rounds": 1, "steps": 2}


class Measured:
    """Ours and theirs on one task, by real tokens."""

    def __init__(self, task: PretrainTask, device: torch.device) -> None:
        theirs = Theirs(pretraining.peer(task, "sdpa"), task, device, bf16=True, compiled=device.type == "cuda")
        turns = TURNS if device.type == "cuda" else DRY_TURNS
        seconds = in_turns({"ours": Ours(task, device), "theirs": theirs}, **turns)
        batches = [task.micro_batches(turns["steps"] + step, 0, 1) for step in range(turns["rounds"] * turns["steps"])]
        self.tokens = mean(sum(part.tokens for part in batch) for batch in batches)
        self.flops = mean(flops.of_batches(task.model.config, task.model.vocab_size, batch).total for batch in batches)
        self.ours, self.theirs = median(seconds["ours"]), median(seconds["theirs"])

    def share(self, seconds: float, peak: float | None) -> str:
        """Of a peak, if it is known."""
        return "?" if peak is None else f"{self.flops / seconds / peak:.3f}"

    def keeps_the_bounds(self, peak: float | None) -> bool:
        return self.theirs / self.ours >= LEAST_RATIO and (peak is None or self.flops / self.ours / peak >= LEAST_SHARE)


def main(*, rows: int, dry_run: bool) -> bool:
    """Print the table; says whether the bounds are kept."""
    if not dry_run and not torch.cuda.is_available():
        print("skipped: it needs an NVIDIA GPU, and there is none; try --dry-run, or --predict")
        return True
    device = torch.device("cpu" if dry_run else "cuda")
    shape, length = ("tiny", 128) if dry_run else ("BERT-base", 512)
    chip = None if dry_run else this_chip()
    peak = None if chip is None else chip.peak
    table: list[list[str]] = []
    kept = True
    with tempfile.TemporaryDirectory(prefix="berth-benchmark-") as storage:
        for dropout in ATTENTION_DROPOUTS:
            tasks = pretraining.tasks(storage, SHAPES[shape], length=length, batch=rows, dropout=(0.1, dropout))
            for lengths in LENGTHS:
                measured = Measured(tasks[lengths], device)
                for name, seconds in (("Berth", measured.ours), ("transformers", measured.theirs)):
                    row = [f"{lengths}, attention dropout {dropout:g}: {name}", f"{measured.tokens / seconds:,.0f}"]
                    table.append([*row, measured.share(seconds, peak), f"{seconds / measured.ours:.2f} x"])
                if (dropout, lengths) == (0, LENGTHS[0]):
                    kept = dry_run or measured.keeps_the_bounds(peak)
    name = "dry run on the CPU, no figure means anything" if dry_run else torch.cuda.get_device_name(0)
    show(
        f"Pretraining on a GPU: {shape}, {rows} rows of {length} ({name})",
        ["", "tokens/s", "share of the peak", "Berth is faster by"],
        table,
        f"Required at attention dropout 0, real lengths: share {LEAST_SHARE}, {LEAST_RATIO:g} times transformers: "
        + ("not asked of a dry run." if dry_run else "kept." if kept else "NOT kept."),
        "Peak: unknown" if chip is None else f"Peak: {chip.peak / 1e12:.0f} TFLOP/s, dense bf16, of {chip.name}",
        f"torch {torch.__version__}, transformers {transformers.__version__}; "
        + ("real text" if DATA.is_dir() else "the invented world"),
    )
    return kept


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.gpu_pretrain")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--predict", action="store_true")
    given = parser.parse_args()
    if given.predict:
        for known in CHIPS:
            if known.name in ("H100", "H200"):
                gpu_prediction.main(known)
    else:
        sys.exit(not main(rows=given.rows or (8 if given.dry_run else 128), dry_run=given.dry_run))
