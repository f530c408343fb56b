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

MOST_POINTS = 2000
"""Of the curve, and as many more with held-out figures: a checkpoint does not grow with the step."""


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
    held_out_loss: float | None = None
    """At the last evaluation: the sum of `eval/<objective>_loss`. None where there was none."""

    @classmethod
    def fresh(cls, model: nn.Module, settings: Training) -> "State":
        return cls(model, optimizers.build(settings.optimizer, model))


def thinned(history: list[Record], log_every: int, eval_every: int) -> list[Record]:
    """The newest point, and those of the others whose steps lie on a grid that widens as the curve grows: evenly over
    all of it, at most `MOST_POINTS` and as many evaluated ones. Which stay depends on the newest step alone.
    """
    if not history:
        return history
    newest = int(history[-1]["step"])
    grid, evaluated = _spacing(newest, log_every), _spacing(newest, eval_every)
    return [
        *(point for point in history[:-1] if point["step"] % grid == 0 or point["step"] % evaluated == 0),
        history[-1],
    ]


def _spacing(step: int, every: int) -> int:
    """`every` doubled so often that at most `MOST_POINTS` multiples of it are reached by `step`."""
    while step // every > MOST_POINTS:
        every *= 2
    return every


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed torch for one step of one rank, so that dropout does not depend on what was run before."""
    torch.manual_seed(hash((seed, step, rank)) & 0x7FFF_FFFF_FFFF_FFFF)
