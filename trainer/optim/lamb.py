"""LAMB, the optimizer for batches of tens of thousands of samples, out of the fused kernels of torch's AdamW and SGD.

In: gradients, already clipped; a step uses them up. Passes over memory are what it costs: AdamW reads and writes 7
numbers for each parameter, this 14, so a CPU takes a parameter after the other, in chunks, and finds half in its cache.
"""

# The kernels that torch's own optimizers are made of have no public names.
# pyright: reportPrivateUsage=false, reportPrivateImportUsage=false

from collections.abc import Callable, Sequence
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
    if lists.weights[0].device.type == "cpu":
        for *tensors, step in zip(*lists, strict=True):
            _step_in_cache(tensors, step, group, found_inf)
        return
    _turn(lists, group, found_inf)
    weight_norms, step_norms = (torch._foreach_norm(tensors) for tensors in (lists.weights, lists.gradients))
    shares = _shares(torch.stack(weight_norms), torch.stack(step_norms), group["lr"])
    _move(lists, shares.unbind(), found_inf)


def _step_in_cache(tensors: list[Tensor], step: Tensor, group: dict[str, Any], found_inf: Tensor | None) -> None:
    """The step of one parameter, in chunks that the processor's cache keeps from one pass to the next."""
    parts = zip(*(tensor.view(-1).split(_CHUNK) for tensor in tensors), strict=True)
    chunks = [
        _Lists([weights], [gradients], [means], [squares], [step]) for weights, gradients, means, squares in parts
    ]
    weight_square, step_square = tensors[0].new_zeros(2).unbind()
    for chunk in chunks:
        _turn(chunk, group, found_inf)
        weight_square += chunk.weights[0].dot(chunk.weights[0])
        step_square += chunk.gradients[0].dot(chunk.gradients[0])
    share = _shares(weight_square.sqrt(), step_square.sqrt(), group["lr"])
    for chunk in reversed(chunks):  # the cache still has the last ones
        _move(chunk, [share], found_inf)


def _turn(lists: _Lists, group: dict[str, Any], found_inf: Tensor | None) -> None:
    """Turn the gradients into -u, and update the moments."""
    # A rate and a decay of 1 take all away from what AdamW is given as weights: here the gradients themselves.
    _adamw(lists, lists.gradients, group, 1.0, 1.0, found_inf)
    torch._foreach_add_(lists.gradients, lists.weights, alpha=-group["weight_decay"])


def _shares(weight_norms: Tensor, step_norms: Tensor, rate: float) -> Tensor:
    """What part of u each of the weights moves by."""
    both = (weight_norms > 0) & (step_norms > 0)
    return rate * torch.where(both, weight_norms / step_norms, 1.0)


def _move(lists: _Lists, shares: Sequence[Tensor], found_inf: Tensor | None) -> None:
    for weight, step, share in zip(lists.weights, lists.gradients, shares, strict=True):
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
