"""LAMB, the optimizer for batches of tens of thousands of samples, on top of torch's fused AdamW.

In: gradients, already clipped. AdamW does a full step, which LAMB then shortens tensor by tensor. That costs one copy
of the weights while it steps, and saves writing AdamW again.
"""

# The multi-tensor functions that torch's own optimizers are made of have no public names.
# pyright: reportPrivateUsage=false, reportPrivateImportUsage=false

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import AdamW


class Lamb(AdamW):
    """LAMB (You et al. 2020, algorithm 2).

    With u = m / (sqrt(v) + eps) + weight_decay * w, both moments bias-corrected, w moves by -lr * |w| / |u| * u, norms
    taken over a tensor. The trust ratio |w| / |u| is 1 where a norm is 0 and, as in NVIDIA's LAMB, for the tensors that
    take no weight decay: each parameter group says by `trust_ratio` whether it takes one. The state is AdamW's.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step; unlike torch's optimizers it evaluates no closure."""
        assert closure is None, "the loop computes the gradients"
        weights = [torch._foreach_clone(group["params"]) for group in self.param_groups]
        rates = [group["lr"] for group in self.param_groups]
        for group in self.param_groups:
            group["lr"] = 1.0
        super().step()
        for group, rate, before in zip(self.param_groups, rates, weights, strict=True):
            group["lr"] = rate
            _shorten(group["params"], before, rate, group["trust_ratio"])


def _shorten(stepped: list[Tensor], weights: tuple[Tensor, ...], rate: float, trust_ratio: bool) -> None:
    """Set `stepped`, a full step away from `weights`, to the rate's share of the way; never waits for the device."""
    steps = torch._foreach_sub(stepped, weights)
    shares = weights[0].new_full((len(weights),), rate)
    if trust_ratio:
        weight_norms = torch.stack(torch._foreach_norm(weights))
        step_norms = torch.stack(torch._foreach_norm(steps))
        both = (weight_norms > 0) & (step_norms > 0)
        shares *= torch.where(both, weight_norms / step_norms, 1.0)
    torch._foreach_addcmul_(weights, steps, shares.unbind())
    torch._foreach_copy_(stepped, weights)
