"""Dropout (Srivastava et al. 2014) whose random numbers cost little on a CPU.

torch draws its CPU's Bernoulli numbers one by one, which took 29 % of a training step of a small BERT. Here a number is
16 bits of a stream of numpy's SFC64, 14 times as fast; the stream's seed is drawn by torch, so that `torch.manual_seed`
decides everything as ever. On CUDA, and inside torch.compile, dropout is torch's own.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

_STEPS = 1 << 16
"""A share of dropped elements is a multiple of one by this; the scale of the others is by the share really kept."""


class Dropout(nn.Module):
    """In training, sets a share `p` of the elements to 0 and scales the others so that the mean stays."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, hidden: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return hidden
        if hidden.device.type != "cpu" or torch.compiler.is_compiling():
            return dropout(hidden, self.p)
        dropped: Tensor = _Dropout.apply(hidden, self.p)
        return dropped

    def extra_repr(self) -> str:
        return f"p={self.p}"


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, p: float) -> Tensor:
        kept = draw_dropped(hidden.shape, p).eq_(0).to(hidden.dtype)
        ctx.save_for_backward(kept)
        ctx.scale = kept_scale(p)
        return (hidden * kept).mul_(ctx.scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (kept,) = ctx.saved_tensors
        return (gradients[0] * kept).mul_(ctx.scale), None


def draw_dropped(shape: Sequence[int], p: float) -> Tensor:
    """int16 of this shape, on the CPU: 1 with probability `p`, rounded to a multiple of 1 / 65,536, else 0.

    Products of tensors of one dtype are several times as fast as with bool, so bool it is not.
    """
    count = int(np.prod(shape))
    seed = int(torch.randint(2**63 - 1, ()))
    bits = np.random.Generator(np.random.SFC64(seed)).integers(2**64, size=-(-count // 4), dtype=np.uint64)
    uniform = torch.from_numpy(bits.view(np.int16))[:count].view(shape)  # in [-32768, 32767]
    return uniform.lt_(_dropped_steps(p) - _STEPS // 2)


def kept_scale(p: float) -> float:
    """1 by the share that `draw_dropped` keeps."""
    return _STEPS / (_STEPS - _dropped_steps(p))


def _dropped_steps(p: float) -> int:
    return min(round(p * _STEPS), _STEPS - 1)
