"""A task that is as small as a task can be: fit a line, on data that is a function of (step, sample)."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from torch import nn

from trainer.config.schema import Training
from trainer.engine.parallel import Workers
from trainer.engine.state import State
from trainer.engine.task import MicroBatch, Sums

FLOP = 1e6
"""Of a sample, invented."""


class LineTask:
    objectives = ("line",)

    def __init__(self, settings: Training, steps: int, dropout: float = 0.5) -> None:
        self.settings = settings
        self.steps = steps
        self.eval_every = 4
        self.patience: int | None = None
        torch.manual_seed(0)
        self.model: Any = nn.Sequential(nn.Linear(2, 8), nn.Dropout(dropout), nn.LayerNorm(8), nn.Linear(8, 1))
        self.tokenizer = Tokenizer(WordPiece({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
        self.seen: list[int] = []

    def start(self, state: State) -> None:
        pass

    def inputs(self, batch: int) -> torch.Tensor:
        return torch.randn(self.settings.batch_size, 2, generator=torch.Generator().manual_seed(batch))

    def micro_batches(self, step: int, rank: int, world_size: int) -> Sequence[MicroBatch]:
        self.seen.append(step)
        size = self.settings.batch_size // world_size
        x = self.inputs(step)[rank * size : (rank + 1) * size]
        return [
            MicroBatch(part, (len(part),), len(part), FLOP * len(part))
            for part in x.split(self.settings.micro_batch_size)
        ]

    def losses(self, model: nn.Module, inputs: torch.Tensor) -> Sums:
        target = inputs @ torch.tensor([[2.0], [-1.0]])
        loss = (model(inputs).float() - target).square().sum()
        return Sums(loss[None], torch.zeros(1))

    def evaluate(self, workers: Workers) -> dict[str, float]:
        return {"eval/line_loss": 1.0}

    def held_out_loss(self, figures: Mapping[str, float]) -> float | None:
        return figures.get("eval/line_loss")

    def finish(self, workers: Workers, folder: str) -> dict[str, float]:
        return {}
