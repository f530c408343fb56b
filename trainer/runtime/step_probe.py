"""A short try of a run's steps on this machine: the real loop, on rows of random pieces instead of a corpus.

What it measures calibrates `berth plan`. Rows are full, so that nothing but the machine decides.
"""

import gc
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from trainer.config import schema
from trainer.config.schema import Pretrain, Squad
from trainer.data.batches import Sample
from trainer.engine.loop import Loop
from trainer.engine.parallel import Workers, compiles, computes_bf16
from trainer.engine.state import State
from trainer.engine.task import MicroBatch, Task
from trainer.model.heads import BertForPreTraining, BertForQuestionAnswering
from trainer.squad.features import Window
from trainer.tasks.pretrain import PretrainTask
from trainer.tasks.squad import SquadTask
from trainer.tracking.tracker import Trackers

_WARM = 2
"""Steps before the clock starts: the first makes the optimizer's state, and compiles."""


class Probed(NamedTuple):
    """What was measured of one stage on one worker."""

    device: str
    bf16: bool
    """Whether the device's `auto` precision is bf16."""
    tokens_per_second: float
    peak: int
    """Bytes of tensors."""


def probe(model: schema.Model, vocab_size: int, stage: Pretrain | Squad, steps: int = 20) -> Probed:
    """Train random weights for `_WARM` and `steps` steps, and measure memory in two more.

    The steps are those of one worker: the whole batch of the stage is its own.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    marks: list[float] = []

    def step_begins() -> bool:
        if device.type == "cuda":
            torch.cuda.synchronize()
        marks.append(time.perf_counter())
        return False

    _loop(rows(model, vocab_size, stage, _WARM + steps + 1), device, step_begins).run()
    seconds = marks[-1] - marks[_WARM]
    tokens = steps * stage.batch_size * stage.max_length
    name = torch.cuda.get_device_name(0) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    return Probed(name, computes_bf16(device), tokens / seconds, peak(rows(model, vocab_size, stage, 3), device))


def peak(task: Task, device: torch.device) -> int:
    """Bytes of tensors at the peak of all steps of a task, a checkpoint's copy after each of them included.

    On a CPU the sum of what torch's profiler tells of every tensor that comes or goes.
    """
    loop = _loop(task, device, lambda: False)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        loop.run()
        return torch.cuda.max_memory_allocated()
    held = highest = sum(parameter.nbytes for parameter in task.model.parameters())
    gc.collect()  # else models of before, in cycles, are freed meanwhile and counted as this one's
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        loop.run()
    for event in _allocations(profiled):
        held += event.nbytes()
        highest = max(highest, held)
    return highest


def rows(model: schema.Model, vocab_size: int, stage: Pretrain | Squad, steps: int) -> Task:
    """A stage on full rows of random pieces, with random weights."""
    if isinstance(stage, Squad):
        return _Windows(model, vocab_size, stage, steps)
    return _Rows(model, vocab_size, stage, steps)


def _allocations(profiled: profile) -> Sequence[Any]:
    """What was allocated, and with a minus what was freed, in their order."""
    assert profiled.profiler is not None
    assert profiled.profiler.kineto_results is not None
    events: list[Any] = profiled.profiler.kineto_results.events()
    return sorted((event for event in events if event.name() == "[memory]"), key=lambda event: event.start_ns())


def _loop(task: Task, device: torch.device, step_begins: Any) -> Loop:
    task.model.to(device)
    if compiles(device, task.settings.compile):
        task.model.bert.compile_layers()
    return Loop(
        task,
        State.fresh(task.model, task.settings),
        Workers(device),
        seed=0,
        checkpoints=_Unwritten(),  # pyright: ignore[reportArgumentType]
        checkpoint_every=1 if task.steps <= 3 else task.steps,
        tracker=Trackers(),
        stop_requested=step_begins,
    )


class _Unwritten:
    """Checkpoints whose copies are made, and go nowhere."""

    def write(self, *_: Any) -> None:
        pass


class _Rows(PretrainTask):
    """Pretraining without a corpus."""

    def __init__(self, model: schema.Model, vocab_size: int, stage: Pretrain, steps: int) -> None:
        self.settings = stage
        self.steps, self.eval_every, self.patience = steps, steps, None
        self.objectives = ("mlm", "nsp") if stage.next_sentence_prediction else ("mlm",)
        self.tokenizer: Any = None
        self.model = BertForPreTraining(model, vocab_size, stage.next_sentence_prediction)

    def micro_batches(self, step: int, rank: int, world_size: int) -> list[MicroBatch]:  # noqa: ARG002 - one worker
        rng = np.random.default_rng(step)
        return list(self._batched(self._row(rng) for _ in range(self.settings.batch_size)))

    def evaluate(self, workers: Workers) -> dict[str, float]:  # noqa: ARG002 - nothing is held out
        return {}

    def _row(self, rng: np.random.Generator) -> Sample:
        length, settings = self.settings.max_length, self.settings
        count = max(1, min(round(settings.mlm_probability * length), settings.max_predictions))
        ids = rng.integers(self.model.vocab_size, size=length, dtype=np.int32)
        positions = np.sort(rng.choice(length, size=count, replace=False)).astype(np.int32)
        follows = 0 if settings.next_sentence_prediction else None
        return Sample(ids, np.zeros(length, dtype=np.uint8), positions, ids[positions], follows)


class _Windows(SquadTask):
    """Fine-tuning without questions."""

    def __init__(self, model: schema.Model, vocab_size: int, stage: Squad, steps: int) -> None:
        self.settings = stage.model_copy(update={"eval_every": None})
        self.steps, self.eval_every, self.patience = steps, steps, None
        self.tokenizer: Any = None
        self.model = BertForQuestionAnswering(model, vocab_size)

    def micro_batches(self, step: int, rank: int, world_size: int) -> list[MicroBatch]:  # noqa: ARG002 - one worker
        rng = np.random.default_rng(step)
        return self._split([self._window(rng) for _ in range(self.settings.batch_size)])

    def _window(self, rng: np.random.Generator) -> Window:
        ids = rng.integers(self.model.vocab_size, size=self.settings.max_length, dtype=np.int32)
        return Window(0, ids, np.zeros(len(ids), dtype=np.uint8), 0, np.zeros((0, 2), np.int32), 1, 2)
