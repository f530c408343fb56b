"""What a training step needs beside the weights, a token: python -m tests.benchmarks.step_memory

Masked LM, rows of up to 512 tokens, dropout 0.1 as published; ours in bf16 autocast beside `transformers` in fp32 with
eager attention, and tuned: bf16 autocast with sdpa. Two figures, each by the real tokens of the batch:

    saved   bytes that the forward pass keeps for the backward pass, each storage once, without weights: exact
    peak    of the process's resident memory above what it rests at, less the gradients, which both sides need alike:
            measured by the kernel (VmHWM), in a process of its own

Ends with an error where ours is not lower than both, in both figures.
"""

import ctypes
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean

import torch
import transformers
from torch import Tensor

from tests.benchmarks import pretraining
from tests.benchmarks.pretraining import LENGTHS, SHAPES
from tests.benchmarks.real_text import DATA, show
from tests.benchmarks.training_steps import Laps, Ours, Theirs
from trainer.engine.task import Task

BATCH = {"BERT-base": 4, "4 layers x 256": 8}
STEPS = 2
"""Whose peaks are measured; the figure is their mean."""
OURS = "Berth"
PEERS = {"transformers, fp32, eager": ("eager", False), "transformers, bf16, sdpa": ("sdpa", True)}

# What is freed goes back to the system at once, so that what is resident is what is in use.
_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0", "OMP_NUM_THREADS": "2"}


class Saved:
    """Counts the bytes that autograd keeps: of each storage once, and none of the weights."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._known = {_address(tensor) for tensor in (*model.parameters(), *model.buffers())}
        self._found: dict[int, int] = {}
        self.hooks = torch.autograd.graph.saved_tensors_hooks(self._pack, lambda packed: packed)

    @property
    def bytes(self) -> int:
        return sum(self._found.values())

    def _pack(self, tensor: Tensor) -> Tensor:
        if _address(tensor) not in self._known:
            self._found[_address(tensor)] = tensor.untyped_storage().nbytes()
        return tensor


def _address(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def measured(shape: str, lengths: str, who: str, storage: str) -> dict[str, float]:
    """In this process: bytes a token that are saved, and at the peak."""
    cpu = torch.device("cpu")
    task = pretraining.tasks(storage, SHAPES[shape], length=512, batch=BATCH[shape])[lengths]
    if who == OURS:
        model, runner = task.model, Ours(task, cpu, _Peaks(cpu))
    else:
        attention, bf16 = PEERS[who]
        model = pretraining.peer(task, attention)
        runner = Theirs(model, task, cpu, bf16=bf16, laps=_Peaks(cpu))
    runner.seconds(1)  # makes the optimizer's state, and the buffers of the libraries
    gradients = sum(parameter.nbytes for parameter in model.parameters())
    tokens = mean(sum(batch.tokens for batch in task.micro_batches(1 + step, 0, 1)) for step in range(STEPS))
    peaks = [peak - gradients for _ in range(STEPS) for peak in runner.seconds(1)]
    return {"saved": _saved_by_a_step(runner, model, task, 1 + STEPS), "peak": mean(peaks) / tokens}


def _saved_by_a_step(runner: Ours | Theirs, model: torch.nn.Module, task: Task, step: int) -> float:
    saved = Saved(model)
    with saved.hooks:
        runner.seconds(1)
    return saved.bytes / sum(batch.tokens for batch in task.micro_batches(step, 0, 1))


class _Peaks(Laps):
    """Bytes above what is resident at the beginning of a step. The copy that the loop makes for a checkpoint when it
    ends is no part of one: it comes after the last, and goes before the next begins.
    """

    def __init__(self, device: torch.device) -> None:
        super().__init__(device)
        self._before: int | None = None
        self._peaks: list[float] = []

    def mark(self) -> None:
        if self._before is not None:
            self._peaks.append(_resident("VmHWM") - self._before)
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to what is resident now
        self._before = _resident("VmRSS")

    def seconds(self) -> list[float]:
        """The peaks, which are forgotten."""
        peaks, self._peaks, self._before = self._peaks, [], None
        return peaks


def _resident(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def _in_a_process_of_its_own(*arguments: str) -> dict[str, float]:
    result = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.step_memory", "--one", *arguments],
        env=os.environ | _ALLOCATOR,
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(result.stdout.splitlines()[-1])


def main(shapes: list[str]) -> bool:
    """Print the tables; says whether ours is the lowest everywhere."""
    lowest = True
    for shape in shapes:
        rows: list[list[str]] = []
        with tempfile.TemporaryDirectory(prefix="berth-benchmark-") as storage:
            for lengths in LENGTHS:
                found = {who: _in_a_process_of_its_own(shape, lengths, who, storage) for who in (OURS, *PEERS)}
                ours = found[OURS]
                for who, figures in found.items():
                    row = [f"{lengths}: {who}"]
                    for name in ours:
                        row += [f"{figures[name] / 1024:,.1f}", f"{figures[name] / ours[name]:.2f} x"]
                    rows.append(row)
                    lowest &= who == OURS or all(figures[name] > ours[name] for name in ours)
        show(
            f"Memory of a training step: {shape}, batch {BATCH[shape]}, length 512, dropout 0.1",
            ["", "saved, KiB/token", "to ours", "peak, KiB/token", "to ours"],
            rows,
            "Required: ours lower than both: " + ("kept." if lowest else "NOT kept."),
            f"torch {torch.__version__}, transformers {transformers.__version__}; "
            + ("real text" if DATA.is_dir() else "the invented world"),
        )
    return lowest


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measured(*sys.argv[2:])))
    else:
        sys.exit(not main(sys.argv[1:] or list(BATCH)))
