"""Time, price and carbon of a run on a group of GPUs, at a stated share of their peak."""

from pydantic import BaseModel

from trainer.compute.gpus import Group

PUE = 1.56
"""Power of a data centre by that of its machines: assumed, the mean of Uptime Institute's survey of 2024."""


class Estimate(BaseModel):
    """Of one group."""

    gpus: str
    count: int
    hours: float
    """For the real tokens."""
    full_hours: float
    """If every sample were full."""
    gpu_hours: float
    price: float | None
    """In the currency of the table; None: it has no price for this type."""
    carbon: float | None
    """kg of CO2; None: not asked."""
    largest_micro_batch: dict[str, int]
    """Full samples that fit, by stage; 0: not one does."""
    sent_per_step: dict[str, float]
    """Bytes that each worker sends to sum the gradients, by stage."""
    bandwidth: dict[str, float]
    """Bytes/s for that to take a tenth of a step, by stage."""


def hours(flop: float, group: Group, share_of_peak: float) -> float:
    """That many operations take."""
    return flop / (group.count * group.gpu.flops * share_of_peak) / 3600


def carbon(gpu_hours: float, watts: float, grams_per_kwh: float) -> float:
    """kg of CO2, of GPUs at their full power and all that cools and feeds them."""
    return gpu_hours * watts / 1000 * PUE * grams_per_kwh / 1000
