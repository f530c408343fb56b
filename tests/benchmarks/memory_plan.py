"""The memory that `berth plan` foretells beside torch's own account of it: python -m tests.benchmarks.memory_plan

Twelve shapes, each in a process of its own: three steps of the engine's loop on a CPU, of full rows, from fresh
weights, with a checkpoint's copy after each step. torch's profiler tells of every tensor that comes or goes; the peak
is the highest sum. What is no tensor (libraries, threads, numpy's random numbers) is neither planned nor counted.
Numbers after the command choose shapes, counted from 0. Ends with an error where the plan is off by over LIMIT.
"""

import subprocess
import sys
from typing import Any, NamedTuple

import torch

from tests.benchmarks.real_text import show
from trainer.config import schema
from trainer.launch.plan import memory
from trainer.runtime import step_probe

LIMIT = 0.1
_AT_REST = (memory.WEIGHTS, memory.MOMENTS, memory.COPY)
"""What lies there between steps, and is easily foretold."""
_STEPS = 3
_MASKED = 0.15


class Case(NamedTuple):
    """A training step."""

    layers: int
    hidden: int
    heads: int
    length: int
    rows: int
    """In a micro batch."""
    micro_batches: int = 1
    dropout: tuple[float, float] = (0.1, 0.1)
    """Of hidden states, and of attention."""
    kind: str = "mlm"
    """Or `mlm+nsp`, `squad`."""
    optimizer: str = "adamw"
    precision: str = "bf16"
    vocab: int = 30_522

    @property
    def model(self) -> schema.Model:
        hidden_dropout, attention_dropout = self.dropout
        return schema.Model(
            num_hidden_layers=self.layers,
            hidden_size=self.hidden,
            num_attention_heads=self.heads,
            intermediate_size=4 * self.hidden,
            hidden_dropout_prob=hidden_dropout,
            attention_probs_dropout_prob=attention_dropout,
        )

    @property
    def stage(self) -> schema.Pretrain | schema.Squad:
        shared: dict[str, Any] = {
            "batch_size": self.rows * self.micro_batches,
            "micro_batch_size": self.rows,
            "max_length": self.length,
            "optimizer": schema.Optimizer.model_validate({"kind": self.optimizer}),
            "precision": self.precision,
        }
        if self.kind == "squad":
            return schema.Squad(name="squad", train=("-",), dev="-", max_query_length=16, doc_stride=16, **shared)
        return schema.Pretrain(next_sentence_prediction=self.kind == "mlm+nsp", **shared)

    @property
    def masked(self) -> int:
        """In a row."""
        return min(round(_MASKED * self.length), 80)


CASES = (
    Case(12, 768, 12, 128, 8),
    Case(12, 768, 12, 512, 2, dropout=(0.1, 0.0)),
    Case(12, 768, 12, 384, 2, kind="squad"),
    Case(6, 512, 8, 256, 8, kind="mlm+nsp"),
    Case(6, 512, 8, 256, 4, optimizer="lamb", micro_batches=2),
    Case(4, 256, 4, 512, 8),
    Case(4, 256, 4, 512, 8, precision="fp32"),
    Case(4, 256, 4, 512, 4, dropout=(0.0, 0.0), precision="fp32", kind="mlm+nsp"),
    Case(4, 256, 4, 128, 64, dropout=(0.0, 0.0)),
    Case(2, 128, 2, 128, 16, micro_batches=3, precision="fp32", optimizer="lamb"),
    Case(2, 128, 2, 64, 4, vocab=2048),
    Case(3, 192, 3, 384, 12, kind="squad", precision="fp32"),
)


def planned(case: Case) -> dict[str, int]:
    """Bytes of each part."""
    machine = memory.Machine("cpu", bf16=case.precision == "bf16")
    lengths = [case.length] * case.rows
    masked = case.masked * case.rows
    return memory.of_step(case.model, case.vocab, case.stage, machine, lengths, masked, case.micro_batches)


def measured(case: Case) -> int:
    """Bytes of tensors at the peak of `_STEPS` steps, in this process."""
    torch.manual_seed(0)
    return step_probe.peak(step_probe.rows(case.model, case.vocab, case.stage, _STEPS), torch.device("cpu"))


def _in_a_process_of_its_own(number: int) -> int:
    command = [sys.executable, "-m", "tests.benchmarks.memory_plan", "--one", str(number)]
    return int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.splitlines()[-1])


def main(numbers: list[int]) -> bool:
    """Print the table; says whether all plans are within the limit."""
    rows: list[list[str]] = []
    kept = True
    for number in numbers:
        case, found = CASES[number], _in_a_process_of_its_own(number)
        parts = planned(case)
        plan, rest = sum(parts.values()), sum(parts[part] for part in _AT_REST)
        kept &= abs(plan / found - 1) <= LIMIT
        print(number, f"{plan / found:.3f}", file=sys.stderr)
        name = f"{case.layers} x {case.hidden}, {case.rows} x {case.length}, {case.kind}, {case.precision}"
        rows.append([name, f"{plan / 1e6:,.1f}", f"{found / 1e6:,.1f}", f"{plan / found:.3f}"])
        rows[-1].append(f"{(plan - rest) / (found - rest):.3f}")
    show(
        "Memory of a training step: planned and measured, tensors of a CPU",
        ["layers x hidden, micro batch x length", "planned, MB", "measured, MB", "ratio", "of what a step adds"],
        rows,
        f"Required: within {LIMIT:.0%}: {'kept' if kept else 'NOT kept'}.",
    )
    return kept


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(measured(CASES[int(sys.argv[2])]))
    else:
        sys.exit(not main([int(number) for number in sys.argv[1:]] or list(range(len(CASES)))))
