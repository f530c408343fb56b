"""What a run needs beside computing: room on the storage, and a network between its workers."""

from pydantic import BaseModel

from trainer.config.schema import Run
from trainer.launch.plan import memory, parameters

STATE = 3 * memory.WIDE
"""Bytes of a checkpoint for each parameter: the weight and two moments."""
LOGS = 4000 * 400
"""Bytes of a stage's curves, at most: `engine.state.MOST_POINTS` twice, and 400 bytes of JSON each."""
MOST_OF_A_STEP = 0.1
"""What the network may take of a step."""


class Storage(BaseModel):
    """Bytes."""

    corpus: float | None
    """Shards of so many tokens as were given; None: it was not said how many."""
    checkpoints: float
    models: float
    logs: float


def storage(run: Run, vocab_size: int, corpus_tokens: float | None) -> Storage:
    """Of the whole run. A stage keeps the newest checkpoints, its best one, and the one that is being written."""
    counts = [sum(parameters.counted(run.model, vocab_size, stage).values()) for stage in run.stages]
    width = 2 if vocab_size <= 1 << 16 else 4  # as trainer.data.shards keeps ids
    return Storage(
        corpus=None if corpus_tokens is None else corpus_tokens * width,
        checkpoints=sum(count * STATE * (run.checkpoint.keep + 2) for count in counts),
        models=sum(count * memory.WIDE for count in counts),
        logs=len(counts) * LOGS,
    )


def all_reduce(count: int, workers: int) -> float:
    """Bytes that each worker sends in a step to sum fp32 gradients of `count` parameters over a ring (Patarasu & Yuan
    2009): 2 (n - 1) / n of them.
    """
    return 2 * (workers - 1) / workers * memory.WIDE * count


def bandwidth(sent: float, step_seconds: float) -> float:
    """Bytes/s with which that is done in MOST_OF_A_STEP."""
    return sent / (MOST_OF_A_STEP * step_seconds)
