"""A copy of the state on the host, to be written while training goes on.

The copy is made between two steps and is all of a save that a step waits for. Its memory is taken once and used again:
fresh memory costs more than the copy, and from a GPU only pinned memory is filled at full speed.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

from trainer.engine.state import Record, State
from trainer.errors import BerthError
from trainer.optim import optimizers


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state after a step. It holds until the next is made with the same memory."""

    step: int
    figures: Mapping[str, Any]
    """What `state.json` holds beside the format and the configuration's fingerprint."""
    model: Mapping[str, Tensor]
    moments: Mapping[str, Tensor]
    history: tuple[Record, ...]
    tokenizer: Tokenizer

    def refuse_what_is_not_finite(self, folder: str) -> None:
        """No such state may ever replace a sound one; `folder` is where it would have gone.

        Raises:
            BerthError: a weight or a moment is not finite.
        """
        for name, tensor in (*self.model.items(), *self.moments.items()):
            if tensor.numel() and not torch.stack(tensor.aminmax()).isfinite().all():
                raise BerthError(
                    f"{folder}: not saved, {name} is not finite; start from a sound model or at a lower rate"
                )


class Memory:
    """Room on the host for one snapshot."""

    def __init__(self) -> None:
        self._tensors: dict[str, Tensor] = {}

    def snapshot(self, state: State, tokenizer: Tokenizer) -> Snapshot:
        """Copy the state; returns when the device is done with it."""
        figures = {
            "step": state.step,
            "updates": optimizers.updates(state.optimizer),
            "tokens": state.tokens,
            "seconds": state.seconds,
            "held_out_loss": state.held_out_loss,
            "vigilance": asdict(state.vigilance),
        }
        model = self._copies("model", state.model.state_dict())
        moments = self._copies("moments", optimizers.state_tensors(state.optimizer, state.model))
        if any(tensor.is_pinned() for tensor in model.values()):
            torch.cuda.synchronize()
        return Snapshot(state.step, figures, model, moments, tuple(state.history), tokenizer)

    def _copies(self, kind: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: self._copy(f"{kind}.{name}", tensor.detach()) for name, tensor in tensors.items()}

    def _copy(self, name: str, tensor: Tensor) -> Tensor:
        if name not in self._tensors:
            self._tensors[name] = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=tensor.is_cuda)
        return self._tensors[name].copy_(tensor, non_blocking=True)
