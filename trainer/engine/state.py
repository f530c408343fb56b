"""All that shapes the rest of a stage: what a checkpoint holds.

Random state is not in it. Every draw is made from (seed, step, rank) or (seed, epoch, sample), so it is rebuilt by
being asked for again.
"""

from dataclasses import dataclass, field

import torch
from torch import nn

from trainer.config.schema import Training
from trainer.optim import optimizers

Record = dict[str, float]


@dataclass(slots=True)
class Vigilance:
    """What the guard has seen and done in a stage."""

    bad_in_row: int = 0
    """Steps up to now that were skipped, without a good one between them."""
    skipped: int = 0
    """All steps that were skipped."""
    good: int = 0
    mean_norm: float = 0.0
    """Of the gradients of good steps, running."""
    rollbacks: int = 0
    passed_over: int = 0
    """Batches that rollbacks left out: step n learns from batch n + passed_over."""


@dataclass(slots=True)
class State:
    """A model in training."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    step: int = 0
    """Optimizer steps done."""
    tokens: int = 0
    """Tokens trained on, over all workers, without padding."""
    seconds: float = 0.0
    """Training time over all restarts; what a restart lost is not counted."""
    vigilance: Vigilance = field(default_factory=Vigilance)
    history: list[Record] = field(default_factory=list[Record])
    """The points of the curves so far; kept here so that steps done again are not in the curve twice."""

    @classmethod
    def fresh(cls, model: nn.Module, settings: Training) -> "State":
        return cls(model, optimizers.build(settings.optimizer, model))


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed torch for one step of one rank, so that dropout does not depend on what was run before."""
    torch.manual_seed(hash((seed, step, rank)) & 0x7FFF_FFFF_FFFF_FFFF)
