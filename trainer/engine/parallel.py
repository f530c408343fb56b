"""The group of workers, and the model spread over it.

Figures that the host decides by (counts, stop requests) travel over gloo between CPUs, so reading them never waits
for a GPU. Gradients travel by DDP. One worker alone needs neither.
"""

import contextlib
from typing import Any, Literal

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from trainer.compute import gpus


class Workers:
    """The process group that Ray Train set up, or this process alone."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.rank = dist.get_rank() if dist.is_initialized() else 0
        self.world_size = dist.get_world_size() if dist.is_initialized() else 1
        self._hosts: Any = dist.new_group(backend="gloo") if self.world_size > 1 else None

    @property
    def first(self) -> bool:
        """Whether this worker writes: logs, checkpoints, results."""
        return self.rank == 0

    @property
    def peak(self) -> float | None:
        """FLOP/s of bf16 products that all of them could do together; None on CPUs and unknown GPUs."""
        gpu = gpus.of_device(torch.cuda.get_device_name(self.device)) if self.device.type == "cuda" else None
        return None if gpu is None else gpu.flops * self.world_size

    def total(self, figures: list[float]) -> list[float]:
        """The sums of host figures over all workers."""
        if self._hosts is None:
            return figures
        tensor = torch.tensor(figures, dtype=torch.float64)
        dist.all_reduce(tensor, group=self._hosts)
        return [float(figure) for figure in tensor]

    def total_on_device(self, tensor: Tensor) -> Tensor:
        """The sums of a device tensor over all workers; the tensor itself is changed."""
        if self.world_size > 1:
            dist.all_reduce(tensor)
        return tensor

    def gather(self, value: Any) -> list[Any] | None:
        """The values of all workers by rank, on the first worker; None on the others."""
        if self._hosts is None:
            return [value]
        values: list[Any] | None = [None] * self.world_size if self.first else None
        dist.gather_object(value, values, group=self._hosts)
        return values

    def wait(self) -> None:
        """Return once all workers are here."""
        if self._hosts is not None:
            dist.barrier(group=self._hosts)

    def spread(self, model: nn.Module) -> nn.Module:
        """The model with its gradients averaged over the workers at the end of each backward pass."""
        if self.world_size == 1:
            return model
        devices = [self.device] if self.device.type == "cuda" else None
        return DistributedDataParallel(model, device_ids=devices, gradient_as_bucket_view=True)


def compiles(device: torch.device, setting: bool | Literal["auto"]) -> bool:
    """Whether to compile: `auto` does where it pays at once, on CUDA."""
    return device.type == "cuda" if setting == "auto" else setting


def accumulating(model: nn.Module, *, last: bool) -> contextlib.AbstractContextManager[None]:
    """Let gradients stay local in all micro-batches but the last."""
    if last or not isinstance(model, DistributedDataParallel):
        return contextlib.nullcontext()
    return model.no_sync()


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Compute in bf16 where asked for, or where `auto` finds that the hardware does it."""
    enabled = precision == "bf16" or (precision == "auto" and computes_bf16(device))
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


def computes_bf16(device: torch.device) -> bool:
    """Whether bf16 matrix products run in hardware: emulated ones are slower than fp32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
