"""AdamW and LAMB over a model's parameters, and their state as plain named tensors.

In: gradients that are already averaged over workers and clipped. The state leaves as `exp_avg.<parameter>` and
`exp_avg_sq.<parameter>`, so a checkpoint is safetensors, without pickle, and serves any number of workers.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from trainer.config import schema
from trainer.errors import CheckpointError
from trainer.optim.lamb import Lamb

_MOMENTS = ("exp_avg", "exp_avg_sq")


def build(config: schema.Optimizer, model: nn.Module) -> Optimizer:
    """The optimizer of all parameters of `model`, which must already lie on its device.

    Biases and LayerNorms, the parameters of one dimension, take neither weight decay nor LAMB's trust ratio.
    """
    parameters = list(model.parameters())
    groups = [
        {
            "params": [parameter for parameter in parameters if parameter.ndim > 1],
            "weight_decay": config.weight_decay,
            "trust_ratio": True,
        },
        {
            "params": [parameter for parameter in parameters if parameter.ndim <= 1],
            "weight_decay": 0.0,
            "trust_ratio": False,
        },
    ]
    kind = {"adamw": AdamW, "lamb": Lamb}[config.kind]
    return kind(groups, lr=config.learning_rate, betas=config.betas, eps=config.eps, fused=True)


def set_learning_rate(optimizer: Optimizer, learning_rate: float) -> None:
    """The rate of the next step, for all groups."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate


def skip_where(optimizer: Optimizer, bad: Tensor) -> None:
    """Let the next steps change nothing where `bad`, float32 () on the device, is 1; none of them waits to read it."""
    optimizer.found_inf = bad  # pyright: ignore[reportAttributeAccessIssue] - torch's own GradScaler does just this


def updates(optimizer: Optimizer) -> int:
    """Steps that were not skipped; waits for the device."""
    return max((int(state["step"]) for state in optimizer.state.values()), default=0)


def state_tensors(optimizer: Optimizer, model: nn.Module) -> dict[str, Tensor]:
    """The moments by name; the live tensors, not copies. Empty before the first step."""
    return {
        f"{moment}.{name}": optimizer.state[parameter][moment]
        for moment in _MOMENTS
        for name, parameter in model.named_parameters()
        if parameter in optimizer.state
    }


def load_state_tensors(
    optimizer: Optimizer, model: nn.Module, tensors: Mapping[str, Tensor], step: int, where: str
) -> None:
    """Take up `state_tensors`, bit for bit, as of `step` steps. `where` is the file they are from.

    A step of 0 with moments begins a schedule anew with the moments of another, as NVIDIA's second phase does.

    Raises:
        CheckpointError: a tensor is missing, of another shape, or left over.
    """
    parameters = dict(model.named_parameters()) if step or tensors else {}
    shapes = {f"{moment}.{name}": parameters[name].shape for moment in _MOMENTS for name in parameters}
    for name in sorted(shapes.keys() ^ tensors.keys()):
        problem = f"tensor {name} {'is missing' if name in shapes else 'belongs to no parameter of this model'}"
        raise CheckpointError(where, problem, "resume from a checkpoint of this very run")
    for name, shape in shapes.items():
        if tensors[name].shape != shape:
            problem = f"tensor {name} has shape {tuple(tensors[name].shape)}, the model's is {tuple(shape)}"
            raise CheckpointError(where, problem, "resume from a checkpoint of this very run")
    for name, parameter in parameters.items():
        moments = {m: tensors[f"{m}.{name}"].to(parameter.device, copy=True) for m in _MOMENTS}
        optimizer.state[parameter] = {"step": torch.tensor(float(step), device=parameter.device), **moments}
