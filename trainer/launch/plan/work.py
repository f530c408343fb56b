"""What there is to compute: steps, tokens and FLOP of each stage, from its settings.

Tokens are counted twice: `full`, as if every sample were as long as can be, and `real`, the share of them that is
expected. The FLOP of a run are those of full samples, which is how published figures are counted.
"""

import math
from pathlib import Path

from pydantic import BaseModel

from trainer.compute import flop
from trainer.config import schema
from trainer.config.schema import Pretrain, Run, Squad
from trainer.squad import examples

WINDOWS = {"v1.1": 88_641, "v2.0": 131_944}
"""Of SQuAD's training files, cut at length 384 and stride 128 (google-research/bert); assumed where one is not here."""


class Work(BaseModel):
    """Of one stage."""

    stage: str
    steps: int
    full_tokens: float
    real_tokens: float
    flop_per_token: float
    """In a full sample; forward and backward."""
    flop: float
    """Of all full samples."""
    real_flop: float
    """Of the real tokens: attention and the head shrink with them."""


def of_run(run: Run, vocab_size: int, real_share: float | None) -> list[Work]:
    """The stages that learn, in their order.

    Args:
        real_share: real tokens by full ones in pretraining; None: what `short_sequence_probability` alone leaves.
    """
    return [work for stage in run.stages if (work := _of_stage(run.model, vocab_size, stage, real_share)).steps]


def masked(stage: Pretrain | Squad, length: float) -> float:
    """Tokens to predict in a sample of so many."""
    return 0.0 if isinstance(stage, Squad) else min(stage.mlm_probability * length, stage.max_predictions)


def share(stage: Pretrain | Squad, given: float | None) -> float:
    """Real tokens by full ones. A short sample's length is uniform; a window of SQuAD is taken as full."""
    if isinstance(stage, Squad):
        return 1.0
    return 1 - stage.short_sequence_probability / 2 if given is None else given


def _of_stage(model: schema.Model, vocab_size: int, stage: Pretrain | Squad, given: float | None) -> Work:
    steps = stage.max_steps if isinstance(stage, Pretrain) else _squad_steps(stage)
    samples, length, real = steps * stage.batch_size, stage.max_length, share(stage, given)
    one = flop.of_lengths(model, vocab_size, length, length**2, masked(stage, length)).total
    mean = real * length
    # The squares of the lengths as if all were of the mean length, the least that they can add up to.
    real_one = flop.of_lengths(model, vocab_size, mean, mean**2, masked(stage, mean)).total
    return Work(
        stage=stage.name,
        steps=steps,
        full_tokens=samples * length,
        real_tokens=samples * mean,
        flop_per_token=one / length,
        flop=samples * one,
        real_flop=samples * real_one,
    )


def _squad_steps(stage: Squad) -> int:
    return math.ceil(stage.epochs * sum(map(_windows, stage.train)) / stage.batch_size)


def _windows(file: str) -> int:
    """One for each question of a file that is here, at least; else SQuAD's, of the version that its name tells.

    Raises:
        DataError: the file that is here is not SQuAD's format.
    """
    if Path(file).is_file():
        return len(examples.load(file).examples)
    return WINDOWS["v2.0" if "v2" in file else "v1.1"]
