"""How long a step of BERT-base should take on a GPU, line by line, so that a reader can check each.

A roofline: products by the chip's peak and what of it is reached, everything else by the bytes that it moves through
the chip's memory. Nothing here is measured by us; each rate names its source, or says that it is assumed. It is for
Hopper: FlashAttention-2 gets another share of other chips.
"""

from typing import NamedTuple

from tests.benchmarks.chip import Chip
from tests.benchmarks.real_text import show
from trainer.compute import flop
from trainer.config import schema

VOCAB_SIZE = 30_522
ROWS, LENGTH = 128, 512
MASKED_SHARE = 0.15
WEIGHTS = 110e6

OF_BEST_PRODUCT = 0.9
"""Assumed: what products of inner size 768 reach of the best shape's rate."""
USUAL_SHARE = 0.75
"""Assumed, where nobody has told the best shape's."""
OF_BANDWIDTH = 0.9
"""Assumed; copies of gigabytes are seen to reach it."""
ATTENTION = {"forward": 282e12, "backward": 282e12 * 0.65}
"""FLOP/s of FlashAttention-2 on an H100 SXM, heads of 64, length 512 (FlashAttention-3, Shah et al. 2024, figure 5);
the backward pass's share of that rate is assumed.
"""
MASKED_ATTENTION = 0.5
"""Assumed: the rate of sdpa's kernel that takes a mask, by FlashAttention-2's."""
BACKWARD_PRODUCTS = 2.5
"""Products of attention's backward pass by those of its forward pass: it makes the scores again."""

# Bytes that a layer moves for each token and unit of the hidden size, outside of products and attention. Under autocast
# LayerNorms and the residual stream are fp32 (4), what products take and give is bf16 (2); the inner size is 4 units.
_FUSED = {
    "2 x (dropout + residual + LayerNorm)": 2 * (2 + 4 + 4 + 2),
    "GELU": 4 * (2 + 2),
    "2 x their backward pass": 2 * (4 + 2 + 6 + 4 + 2),
    "GELU's backward pass": 4 * (2 + 2 + 2),
    "gradients of biases": 2 * (3 + 1 + 1),
}
_EAGER = _FUSED | {
    "2 x dropout apart": 2 * (2 + 2 + 1),
    "2 x sum apart": 2 * (2 + 4 + 4),
    "2 x cast apart": 2 * (4 + 2),
    "their backward passes": 2 * (2 + 2 + 1) + 2 * (4 + 4) + 2 * (2 + 4),
    "biases, weights' casts, gradients added up": 40,
}


class Line(NamedTuple):
    """One part of a step."""

    name: str
    amount: float
    """FLOP, or bytes."""
    rate: float
    """A second."""
    why: str

    @property
    def seconds(self) -> float:
        return self.amount / self.rate


def ours(chip: Chip, *, fused: bool) -> list[Line]:
    """A step over ROWS full rows, dropout 0 in attention."""
    return _lines(chip, fused=fused, scored_share=MASKED_SHARE, score_bytes=14, attention_share=1.0)


def theirs(chip: Chip) -> list[Line]:
    """The same by `transformers`, sdpa and compiled: a mask, and the head over all tokens with fp32 scores."""
    return _lines(chip, fused=True, scored_share=1.0, score_bytes=22, attention_share=MASKED_ATTENTION)


def needed() -> flop.Flops:
    """What the model needs for a step."""
    return flop.of_step(schema.Model(), VOCAB_SIZE, [LENGTH] * ROWS, round(MASKED_SHARE * ROWS * LENGTH))


def _lines(chip: Chip, *, fused: bool, scored_share: float, score_bytes: int, attention_share: float) -> list[Line]:
    config, model = schema.Model(), needed()
    tokens = ROWS * LENGTH
    best = chip.matmul_share
    products = chip.peak * (USUAL_SHARE if best is None else best * OF_BEST_PRODUCT)
    share = f"{products / chip.peak:.2f} of the peak"
    memory = chip.bandwidth * OF_BANDWIDTH
    attention = {name: rate * attention_share for name, rate in ATTENTION.items()}
    forward = model.attention / flop.PASSES
    per_unit = sum((_FUSED if fused else _EAGER).values())
    moved = per_unit * config.hidden_size * config.num_hidden_layers * tokens
    return [
        Line("products of 12 layers", model.layers, products, share),
        Line("products of the head", model.head * scored_share / MASKED_SHARE, products, share),
        Line("attention, forward", forward, attention["forward"], "FlashAttention-2, or a share of it"),
        Line("attention, backward", BACKWARD_PRODUCTS * forward, attention["backward"], "2.5 x; rate assumed"),
        Line("norms, GELU, dropout", moved, memory, f"{per_unit} bytes x 768 x 12 x token"),
        Line("embeddings", 60 * config.hidden_size * tokens, memory, "60 bytes x 768 x token"),
        Line("cross entropy", score_bytes * VOCAB_SIZE * scored_share * tokens, memory, f"{score_bytes} bytes x score"),
        Line("clip, AdamW, bf16 weights", (12 + 28 + 6) * WEIGHTS, memory, "46 bytes x weight"),
    ]


def main(chip: Chip) -> None:
    """Print the arithmetic."""
    compiled, eager, peer = ours(chip, fused=True), ours(chip, fused=False), theirs(chip)
    for title, parts in {"Berth, compiled": compiled, "Berth, not compiled": eager, "transformers": peer}.items():
        seconds = sum(part.seconds for part in parts)
        model = needed().total
        share, without_bytes = (model / time / chip.peak for time in (seconds, sum(part.seconds for part in parts[:4])))
        show(
            f"Predicted, not measured: BERT-base on {chip.name}, {ROWS} full rows of {LENGTH}: {title}",
            ["", "FLOP or bytes", "a second", "ms", "why"],
            [*map(_row, parts), ["a step", "", "", f"{seconds * 1e3:.2f}", f"{ROWS * LENGTH / seconds:,.0f} tokens/s"]],
            f"The model needs {model / 1e12:.1f} TFLOP: {share:.2f} of the peak of {chip.peak / 1e12:.0f} TFLOP/s; "
            f"were all bytes free, {without_bytes:.2f}.",
        )
    ratio = sum(part.seconds for part in peer) / sum(part.seconds for part in compiled)
    print(
        f"Compiled, that is {ratio:.2f} times as fast as transformers on full rows; {ratio / 0.5:.2f} times where half "
        "of their tokens is padding.\n"
        "Some 500 launches of 5 us each are hidden behind a step."
    )


def _row(part: Line) -> list[str]:
    amount, rate = f"{part.amount / 1e12:,.3f} T", f"{part.rate / 1e12:,.1f} T"
    return [part.name, amount, rate, f"{part.seconds * 1e3:.2f}", part.why]
