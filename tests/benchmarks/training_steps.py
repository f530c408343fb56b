"""Training steps of the engine and of `transformers`, on the same batches, timed in turns.

In: a task, and a model of `transformers` with the same weights. Out: the seconds of each step, forward to optimizer.
Ours is the engine's own loop, the making of the batches included. Theirs is the plain loop that `Trainer` comes down
to, with its defaults (fused AdamW, gradients clipped, linear schedule), over batches that are padded and on the device
before the clock starts.
"""

import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Protocol

import torch
import transformers
from torch import Tensor, nn

from tests.parity import padded
from trainer.engine.loop import Loop
from trainer.engine.parallel import Workers, compiles
from trainer.engine.state import State
from trainer.engine.task import Task
from trainer.tracking.tracker import Trackers


class Steps(Protocol):
    """Something that trains."""

    def seconds(self, count: int) -> list[float]:
        """Do the next `count` steps, and say how long each took."""
        ...


class Laps:
    """What is measured from the end of a step to that of the next, here time: the clock's on a CPU, that between events
    in the stream of a GPU, which nobody waits for.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._moments: list[Any] = []

    def mark(self) -> None:
        if self._device.type == "cuda":
            event = torch.cuda.Event(enable_timing=True)
            event.record()
            self._moments.append(event)
        else:
            self._moments.append(time.perf_counter())

    def seconds(self) -> list[float]:
        """Those between the moments, which are forgotten."""
        moments, self._moments = self._moments, []
        if self._device.type == "cuda":
            torch.cuda.synchronize()
            return [before.elapsed_time(after) / 1000 for before, after in pairwise(moments)]
        return [after - before for before, after in pairwise(moments)]


class Ours:
    """The engine's loop over a task, compiled where the task's settings say so, as a worker does it."""

    def __init__(self, task: Task, device: torch.device, laps: Laps | None = None) -> None:
        task.model.to(device)
        if compiles(device, task.settings.compile):
            task.model.bert.compile_layers()
        self._laps = laps or Laps(device)
        self._left = 0
        self._loop = Loop(
            task,
            State.fresh(task.model, task.settings),
            Workers(device),
            seed=0,
            checkpoints=_Unsaved(),
            checkpoint_every=task.steps,
            tracker=Trackers(),
            stop_requested=self._step_begins,
        )

    def seconds(self, count: int) -> list[float]:
        self._left = count
        self._loop.run()
        return self._laps.seconds()

    def _step_begins(self) -> bool:
        """The loop asks before each step whether to stop: a moment between two."""
        self._laps.mark()
        self._left -= 1
        return self._left < 0


class _Unsaved:
    """No checkpoints: writing them is not what is measured."""

    def write(self, *_: Any) -> None:
        pass


class Theirs:
    """`Trainer`'s loop over a model of `transformers`, on the batches of `task`.

    Args:
        length: what rows are padded to; None is the longest of a batch.
        bf16: train under autocast.
        compiled: by torch.compile, for any length.
    """

    def __init__(
        self,
        model: nn.Module,
        task: Task,
        device: torch.device,
        *,
        length: int | None = None,
        bf16: bool = False,
        compiled: bool = False,
        laps: Laps | None = None,
    ) -> None:
        settings = task.settings.optimizer
        model.to(device).train()
        self._model: nn.Module = torch.compile(model, dynamic=True if length is None else None) if compiled else model
        self._task = task
        self._device = device
        self._length = length
        self._bf16 = bf16
        self._step = 0
        self._laps = laps or Laps(device)
        self._max_grad_norm = settings.max_grad_norm
        self._optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, fused=True)
        warmup = round(task.settings.schedule.warmup_ratio * task.steps)
        self._schedule = transformers.get_linear_schedule_with_warmup(self._optimizer, warmup, task.steps)

    def seconds(self, count: int) -> list[float]:
        batches = [list(self._micro_batches(self._step + number)) for number in range(count)]
        self._step += count
        self._laps.mark()
        for batch in batches:
            self._learn(batch)
            self._laps.mark()
        return self._laps.seconds()

    def _micro_batches(self, step: int) -> Iterator[dict[str, Tensor]]:
        for micro_batch in self._task.micro_batches(step, 0, 1):
            columns = padded(micro_batch.inputs, self._length)
            yield {name: column.to(self._device) for name, column in columns.items()}

    def _learn(self, micro_batches: list[dict[str, Tensor]]) -> None:
        for columns in micro_batches:
            with torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16):
                loss = self._model(**columns).loss
            (loss / len(micro_batches)).backward()
        nn.utils.clip_grad_norm_(self._model.parameters(), self._max_grad_norm)
        self._optimizer.step()
        self._schedule.step()
        self._optimizer.zero_grad()


def in_turns(runners: dict[str, Steps], *, rounds: int, steps: int = 1) -> dict[str, list[float]]:
    """The seconds of `rounds * steps` steps of each.

    They take turns, `steps` at a time, so that a machine that slows down slows all of them; the first round warms up
    and does not count.
    """
    measured: dict[str, list[float]] = {name: [] for name in runners}
    for number in range(rounds + 1):
        for name, runner in runners.items():
            seconds = runner.seconds(steps)
            if number:
                measured[name] += seconds
    return measured
