"""What a training stage brings to the one loop.

A task knows its model, its data and its losses, and nothing of optimizers, checkpoints or restarts. Batch n must be a
function of (data, seed, n), so that resuming is seeking.

A loss is a sum, and its count is known before the forward pass: the loop divides by the count over *all* workers, so
the gradient is that of the whole batch, however many workers there are and however unevenly the masked tokens fall.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tokenizers import Tokenizer
from torch import Tensor, nn

from trainer.config.schema import Training
from trainer.engine.parallel import Workers
from trainer.engine.state import State
from trainer.model.heads import PretrainedModel


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """One forward pass of one worker."""

    inputs: Any
    """What the task's `losses` takes; a NamedTuple of tensors."""
    counts: tuple[int, ...]
    """How many items each objective is summed over: masked tokens, sentence pairs, questions."""
    tokens: int
    """Tokens without padding."""
    flop: float
    """Of training on it; see `compute.flop`."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over the items of one micro-batch, one entry an objective."""

    losses: Tensor
    """(objectives,), float32, with gradient."""
    correct: Tensor
    """(objectives,), the number of items predicted right."""


class Task(Protocol):
    """A stage of a run: pretraining and SQuAD are two values of it."""

    @property
    def settings(self) -> Training: ...

    @property
    def model(self) -> PretrainedModel: ...

    @property
    def tokenizer(self) -> Tokenizer: ...

    @property
    def steps(self) -> int:
        """Optimizer steps from the first to the last."""
        ...

    @property
    def eval_every(self) -> int:
        """Steps between two calls of `evaluate`."""
        ...

    @property
    def patience(self) -> int | None:
        """So many evaluations in a row that are no better than the best end the stage, and the weights of the best are
        its result. None: neither.
        """
        ...

    @property
    def objectives(self) -> tuple[str, ...]:
        """The names of the losses."""
        ...

    def start(self, state: State) -> None:
        """Fill the state of a stage that begins: with the weights of an earlier one, where there is one."""
        ...

    def micro_batches(self, step: int, rank: int, world_size: int) -> Sequence[MicroBatch]:
        """This rank's share of the batch of `step`."""
        ...

    def losses(self, model: nn.Module, inputs: Any) -> Sums:
        """The forward pass. `model` is `self.model`, possibly wrapped."""
        ...

    def evaluate(self, workers: Workers) -> dict[str, float]:
        """The validation figures; called on all workers, equal on all."""
        ...

    def held_out_loss(self, figures: Mapping[str, float]) -> float | None:
        """What of the validation figures is to be low; None where they are none. They may lie among others."""
        ...

    def finish(self, workers: Workers, folder: str) -> dict[str, float]:
        """Score the trained model and write what belongs into the stage's folder; called on all workers.

        The figures are meaningful on rank 0.
        """
        ...
