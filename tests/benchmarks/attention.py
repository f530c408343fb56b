"""Attention over ragged sequences, forward and backward: python -m tests.benchmarks.attention

Milliseconds for 8 sequences of at most 512 tokens, 4 heads of 64, of the kernel that the model uses, beside torch's
SDPA and transformers' eager attention (fp32) over the padded layout, padding included; with no dropout and with
BERT's 0.1. Lengths are uniform from 1 to 512, those of the real corpus, or all 512. On CUDA the kernels are `varlen`
(no dropout) and `padded`, both sides bf16. The medians of turns; an error where another is faster than the model's.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from torch import Tensor, nn
from transformers.models.bert.modeling_bert import eager_attention_forward

from tests.benchmarks import pretraining
from tests.benchmarks.pretraining import LENGTHS, SHAPES
from tests.benchmarks.real_text import show
from trainer.model.attention import Kernel, attention, choose_kernel
from trainer.model.packing import pad, padded_positions, unpad

SEQUENCES, LONGEST, HEADS, WIDTH = 8, 512, 4, 64
TURNS = 15
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
Attention = Callable[[Tensor], Tensor]
"""(T, 3, H, D) -> (T, H, D)."""


def length_mixtures() -> dict[str, list[int]]:
    with tempfile.TemporaryDirectory(prefix="berth-benchmark-") as storage:
        real = pretraining.tasks(storage, SHAPES["tiny"], length=LONGEST, batch=SEQUENCES)[LENGTHS[0]]
        batch = real.micro_batches(0, 0, 1)[0].inputs
    return {
        "uniform lengths": np.random.default_rng(0).integers(1, LONGEST, size=SEQUENCES, endpoint=True).tolist(),
        "real lengths": batch.packed.cu_seqlens.diff().tolist(),
        "full rows": [LONGEST] * SEQUENCES,
    }


def ours(lengths: list[int], dropout_p: float, kernel: Kernel) -> Attention:
    cu_seqlens = torch.tensor([0, *lengths], device=DEVICE).cumsum(0).int()
    longest = max(lengths)
    return lambda made: attention(*made.unbind(1), cu_seqlens, longest, dropout_p=dropout_p, kernel=kernel)


def eager(lengths: list[int], dropout_p: float) -> Attention:
    """transformers', in fp32 on a CPU, which is what it does without autocast."""
    cu_seqlens = torch.tensor([0, *lengths], device=DEVICE).cumsum(0).int()
    longest = max(lengths)
    positions = padded_positions(cu_seqlens, longest, sum(lengths))
    inside = torch.arange(longest, device=DEVICE) < cu_seqlens.diff()[:, None]
    dtype = torch.float32 if DEVICE.type == "cpu" else torch.bfloat16
    mask = torch.where(inside, 0.0, torch.finfo(dtype).min).to(dtype)[:, None, None, :]
    module = nn.Module().train()

    def attend(made: Tensor) -> Tensor:
        query, key, value = (
            pad(part, positions, len(lengths), longest).transpose(1, 2) for part in made.to(dtype).unbind(1)
        )
        attended, _ = eager_attention_forward(module, query, key, value, mask, WIDTH**-0.5, dropout_p)
        return unpad(attended, positions).to(made.dtype)

    return attend


def milliseconds(kinds: dict[str, Attention], tokens: int) -> dict[str, float]:
    """Medians, taken in turns; the first turn warms up."""
    made = torch.randn(tokens, 3, HEADS, WIDTH, device=DEVICE, dtype=torch.bfloat16, requires_grad=True)
    direction = torch.randn(tokens, HEADS, WIDTH, device=DEVICE, dtype=torch.bfloat16)
    taken: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(TURNS + 1):
        for name, attend in kinds.items():
            start = time.perf_counter()
            torch.autograd.grad(attend(made), made, direction)
            if DEVICE.type == "cuda":
                torch.cuda.synchronize()
            taken[name].append(1000 * (time.perf_counter() - start))
    return {name: median(each[1:]) for name, each in taken.items()}


def main() -> bool:
    """Print the table; says whether the kernel that the model uses is the fastest."""
    table: list[list[str]] = []
    kept = True
    for name, lengths in length_mixtures().items():
        for dropout_p in (0.0, 0.1):
            chosen = choose_kernel(DEVICE, torch.bfloat16, dropout_p)
            kinds = {
                "ours": ours(lengths, dropout_p, chosen),
                "padded SDPA": ours(lengths, dropout_p, "padded"),
                "eager": eager(lengths, dropout_p),
            }
            found = milliseconds(kinds, sum(lengths))
            kept = kept and (chosen == "padded" or found["ours"] <= min(found.values()))
            figures = [f"{found[kind]:.1f}" for kind in kinds]
            ratios = [f"{found[kind] / found['ours']:.1f} x" for kind in ("padded SDPA", "eager")]
            share = f"{sum(lengths) / SEQUENCES / LONGEST:.2f}"
            table.append([f"{name}, dropout {dropout_p:g}", share, chosen, *figures, *ratios])
    columns = ["ms", "tokens / padded", "kernel", "Berth", "padded SDPA", "transformers", "SDPA / Berth"]
    show(
        f"Attention on {DEVICE.type}, forward and backward",
        [*columns, "transformers / Berth"],
        table,
        f"The model's kernel is {'' if kept else 'NOT '}the fastest.",
        f"torch {torch.__version__}, {torch.get_num_threads()} threads",
    )
    return kept


if __name__ == "__main__":
    sys.exit(not main())
