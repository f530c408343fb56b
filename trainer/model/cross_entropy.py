"""The cross entropy of a wide softmax: its loss, its gradient and the hits in one pass over the logits.

(M, V) scores of a vocabulary are the largest tensor of pretraining. torch's way keeps them, their fp32 copy, the fp32
log-softmax and two gradients: 16 bytes a score under bf16. Here the gradient is made in the forward pass, in the dtype
of the logits and some rows at a time, so that 4 bytes remain (the idea is Liger Kernel's, Hsu et al. 2024).
"""

from typing import Any

import torch
from torch import Tensor

_SCORES = {"cpu": 1 << 20, "cuda": 1 << 26}
"""How many are made fp32 at a time: what a CPU's cache holds; enough to keep a GPU busy."""


def cross_entropy(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The sum of -log softmax(logits)[label], fp32 or wider, and how often the label has the highest score, int64.

    `logits` are (M, V), `labels` (M,); both results are scalars, and only the first has a gradient. Neither the forward
    nor the backward pass waits for the device.
    """
    loss, correct = _CrossEntropy.apply(logits, labels)
    return loss, correct


class _CrossEntropy(torch.autograd.Function):
    """d loss / d logits = softmax(logits) - onehot(label)."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        wide = torch.promote_types(logits.dtype, torch.float32)
        loss = torch.zeros((), dtype=wide, device=logits.device)
        correct = torch.zeros((), dtype=torch.int64, device=logits.device)
        gradient = torch.empty_like(logits) if ctx.needs_input_grad[0] else None
        rows = max(1, _SCORES[logits.device.type] // logits.shape[1])
        for start in range(0, len(logits), rows):
            scores, columns = logits[start : start + rows], labels[start : start + rows, None]
            highest, predicted = scores.max(dim=-1, keepdim=True)
            probabilities = scores.softmax(-1, dtype=wide)
            # The highest score's probability is at least 1 / V, so its logarithm is exact where the label's may be not.
            log_sums = highest.to(wide) - probabilities.gather(1, predicted).log()
            loss += (log_sums - scores.gather(1, columns)).sum()
            correct += (predicted == columns).sum()
            if gradient is not None:
                probabilities.scatter_add_(1, columns, probabilities.new_full((), -1).expand_as(columns))
                gradient[start : start + rows] = probabilities
        ctx.mark_non_differentiable(correct)
        ctx.save_for_backward(gradient)
        return loss, correct

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient,) = ctx.saved_tensors
        return gradient.mul_(gradients[0]), None  # in place: autograd refuses a second backward pass by itself
