"""What a GPU can do at most, by its makers' data sheets: the measure for a model's share of the peak."""

from typing import NamedTuple

import torch


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


# Data sheets: nvidia.com/en-us/data-center/{b200,h200,h100,a100,l40s,l4}. Shares: Bekman, Machine Learning Engineering,
# "Maximum Achievable Matmul FLOPS", bf16.
CHIPS = (
    Chip("B200", 2250e12, 8.00e12, 0.776),
    Chip("H200", 989e12, 4.80e12, 0.803),
    Chip("H100 PCIe", 756e12, 2.00e12, None),
    Chip("H100 NVL", 835e12, 3.94e12, None),
    Chip("H100", 989e12, 3.35e12, 0.803),
    Chip("A100-SXM4-40GB", 312e12, 1.56e12, 0.859),
    Chip("A100-SXM", 312e12, 2.04e12, 0.859),
    Chip("A100", 312e12, 1.94e12, 0.822),
    Chip("L40S", 362e12, 0.86e12, None),
    Chip("L4", 121e12, 0.30e12, None),
)


def chip_of(device_name: str) -> Chip | None:
    """The chip that a device's name tells of; None where it is not in the table."""
    return next((chip for chip in CHIPS if chip.name in device_name), None)


def this_chip() -> Chip | None:
    """That of the first GPU."""
    return chip_of(torch.cuda.get_device_name(0)) if torch.cuda.is_available() else None
