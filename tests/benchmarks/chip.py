"""What a GPU can do at most, by its makers' data sheets: the measure for a model's share of the peak."""

from typing import NamedTuple

import torch

from trainer.compute.gpus import known


class Chip(NamedTuple):
    """A GPU. Its peak is that of dense bf16 matrix products: data sheets like to print twice that, with sparsity."""

    name: str
    """Stands in the name that CUDA tells; the first that does is meant."""
    peak: float
    """FLOP/s."""
    bandwidth: float
    """Bytes/s of its memory."""
    matmul_share: float | None
    """The best share of the peak that a matrix product was seen to reach; None where nobody has told."""


_PEAKS = {name: gpu.flops for name, gpu in known().items()}

# Bandwidths: data sheets, as those of `trainer.launch.plan`. Shares: Bekman, Machine Learning Engineering,
# "Maximum Achievable Matmul FLOPS", bf16.
CHIPS = (
    Chip("B200", _PEAKS["b200"], 8.00e12, 0.776),
    Chip("H200", _PEAKS["h200"], 4.80e12, 0.803),
    Chip("H100 PCIe", _PEAKS["h100-pcie"], 2.00e12, None),
    Chip("H100 NVL", _PEAKS["h100-nvl"], 3.94e12, None),
    Chip("H100", _PEAKS["h100"], 3.35e12, 0.803),
    Chip("A100-SXM4-40GB", _PEAKS["a100-40gb"], 1.56e12, 0.859),
    Chip("A100-SXM", _PEAKS["a100"], 2.04e12, 0.859),
    Chip("A100", _PEAKS["a100-pcie"], 1.94e12, 0.822),
    Chip("L40S", _PEAKS["l40s"], 0.86e12, None),
    Chip("L4", _PEAKS["l4"], 0.30e12, None),
)


def chip_of(device_name: str) -> Chip | None:
    """The chip that a device's name tells of; None where it is not in the table."""
    return next((chip for chip in CHIPS if chip.name in device_name), None)


def this_chip() -> Chip | None:
    """That of the first GPU."""
    return chip_of(torch.cuda.get_device_name(0)) if torch.cuda.is_available() else None
