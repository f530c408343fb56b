"""LAMB, the optimizer for batches of tens of thousands of samples, out of the fused kernels of torch's AdamW and SGD.

In: gradients, already clipped; a step uses them up. It is bound by memory, so passes are what counts: AdamW reads and
writes 7 numbers for each parameter, this 10 from memory where a matrix is larger than the cache, and a few more in it.
"""

# The kernels that torch's own optimizers are made of have no public names.
# pyright: reportPrivateUsage=false, reportPrivateImportUsage=false

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.optim import AdamW

_CHUNK = 1 << 20
"""Numbers of a tensor that a CPU works on at a time: four chunks of them, 16 MiB, stay in its cache."""


class _Lists(NamedTuple):
    """Tensors that belong together, one of each for a parameter or a part of one."""

    weights: list[Tensor]
    gradients: list[Tensor]
    means: list[Tensor]
    squares: list[Tensor]
    steps: list[Tensor]


class Lamb(AdamW):
    """LAMB (You et al. 2020, algorithm 2).

    With u = m / (sqrt(v) + eps) + weight_decay * w, both moments bias-corrected, w moves by -lr * |w| / |u| * u, norms
    taken over a tensor. The trust ratio |w| / |u| is 1 where a norm is 0 and, as in NVIDIA's LAMB, for the tensors that
    take no weight decay: each parameter group says by `trust_ratio` whether it takes one. The state is AdamW's. As in
    torch's fused optimizers a `found_inf` of 1, a tensor on the device, makes a step that changes nothing.
    """

    found_inf: Tensor | None = None

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step, which never waits for the device; unlike torch's optimizers it evaluates no closure."""
        assert closure is None, "the loop computes the gradients"
        for group in self.param_groups:
            lists = _Lists([], [], [], [], [])
            self._init_group(group, lists.weights, lists.gradients, lists.means, lists.squares, [], lists.steps)
            if not lists.weights:
                continue
            torch._foreach_add_(lists.steps, 1 if self.found_inf is None else 1 - self.found_inf)
            if group["trust_ratio"]:
                _step_by_ratio(lists, group, self.found_inf)
            else:
                _adamw(lists, lists.weights, group, group["lr"], group["weight_decay"], self.found_inf)


def _step_by_ratio(lists: _Lists, group: dict[str, Any], found_inf: Tensor | None) -> None:
    turn = _turned_in_cache if lists.weights[0].device.type == "cpu" else _turned
    weight_norms, step_norms = turn(lists, group, found_inf)
    both = (weight_norms > 0) & (step_norms > 0)
    shares = group["lr"] * torch.where(both, weight_norms / step_norms, 1.0)
    for weight, step, share in zip(lists.weights, lists.gradients, shares.unbind(), strict=True):
        # w += share * step, in the kernel that leaves w alone where something was infinite: 0 * NaN is NaN.
        torch._fused_sgd_(
            [weight],
            [step],
            [],
            weight_decay=0.0,
            momentum=0.0,
            lr=share,
            dampening=0.0,
            nesterov=False,
            maximize=True,
            is_first_step=False,
            found_inf=found_inf,
        )


def _turned(lists: _Lists, group: dict[str, Any], found_inf: Tensor | None) -> tuple[Tensor, Tensor]:
    """Turn the gradients into -u, and update the moments.

    Returns:
        |w| and |u|, each (tensors,).
    """
    # A rate and a decay of 1 take all away from what AdamW is given as weights: here the gradients themselves.
    _adamw(lists, lists.gradients, group, 1.0, 1.0, found_inf)
    torch._foreach_add_(lists.gradients, lists.weights, alpha=-group["weight_decay"])
    return torch.stack(torch._foreach_norm(lists.weights)), torch.stack(torch._foreach_norm(lists.gradients))


def _turned_in_cache(lists: _Lists, group: dict[str, Any], found_inf: Tensor | None) -> tuple[Tensor, Tensor]:
    """`_turned`, where the passes over a chunk but the first find it in the processor's cache."""
    squared_norms: list[Tensor] = []
    for *tensors, step in zip(*lists, strict=True):
        chunks = (tensor.view(-1).split(_CHUNK) for tensor in tensors)
        sums = tensors[0].new_zeros(2)
        for weights, gradients, means, squares in zip(*chunks, strict=True):
            chunk = _Lists([weights], [gradients], [means], [squares], [step])
            _adamw(chunk, chunk.gradients, group, 1.0, 1.0, found_inf)
            gradients.add_(weights, alpha=-group["weight_decay"])
            sums += torch.stack([weights.dot(weights), gradients.dot(gradients)])
        squared_norms.append(sums)
    weight_norms, step_norms = torch.stack(squared_norms).sqrt().unbind(1)
    return weight_norms, step_norms


def _adamw(
    lists: _Lists, weights: list[Tensor], group: dict[str, Any], rate: float, decay: float, found_inf: Tensor | None
) -> None:
    """AdamW's fused step of `weights`, which need not be those of the lists."""
    beta1, beta2 = group["betas"]
    torch._fused_adamw_(
        weights,
        lists.gradients,
        lists.means,
        lists.squares,
        [],
        lists.steps,
        lr=rate,
        beta1=beta1,
        beta2=beta2,
        weight_decay=decay,
        eps=group["eps"],
        amsgrad=False,
        maximize=False,
        found_inf=found_inf,
    )
