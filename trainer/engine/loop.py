"""The loop: the only place where gradients are made.

A step is the same whoever runs it: the global batch is fixed, each worker takes its slice in micro-batches, losses
are divided by the counts over all workers, and gradients are summed. What a restart or a resize changes is only how
the slices fall.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor, nn

from trainer.config.schema import Training
from trainer.engine.checkpoint import Checkpoints
from trainer.engine.clock import Clock
from trainer.engine.guard import Guard
from trainer.engine.interval import Interval
from trainer.engine.parallel import Workers, accumulating, autocast
from trainer.engine.saver import Saver
from trainer.engine.state import Record, State, seed_step, thinned
from trainer.engine.task import MicroBatch, Task
from trainer.engine.update import Update
from trainer.errors import BerthError
from trainer.optim.optimizers import set_learning_rate, skip_where
from trainer.optim.schedules import multiplier
from trainer.tracking.tracker import Tracker

log = logging.getLogger(__name__)


class Loop:
    """Trains one task from a state to its last step.

    Args:
        seed: of the run.
        checkpoints: where the state is saved, on the way and at the end.
        checkpoint_every: how often on the way; see `interval`.
        tracker: takes the points of the curves; on the first worker only.
        stop_requested: asked on the first worker before each step.
        beat: a sign of life, given with each forward pass of this worker, in training, evaluation and what comes after.
        restarts: so many groups of workers trained the run before this one.
    """

    def __init__(
        self,
        task: Task,
        state: State,
        workers: Workers,
        *,
        seed: int,
        checkpoints: Checkpoints,
        checkpoint_every: int | str,
        tracker: Tracker,
        stop_requested: Callable[[], bool],
        beat: Callable[[], object] = lambda: None,
        restarts: int = 0,
    ) -> None:
        self.task = task
        self.state = state
        self.workers = workers
        self.seed = seed
        self.checkpoints = checkpoints
        self.tracker = tracker
        self.stop_requested = stop_requested
        self.beat = beat
        self.restarts = restarts
        self._model = workers.spread(state.model)
        state.model.register_forward_pre_hook(self._beat)
        self._settings: Training = task.settings
        self._saved = state.step
        self._interval = Interval(checkpoint_every)
        self._guard = Guard(self._settings.guard, workers.device, state.vigilance)

    def run(self) -> bool:
        """Train; True when the last step is done or the task's patience is, False when asked to stop before. The state
        is saved in both cases.

        Raises:
            BerthError: the training does not get on, bad step after bad step, or it cannot be saved.
        """
        with Saver(self.checkpoints) as self._saver:
            self._settle()
            while not self._is_enough() and self._train():
                self._roll_back()
            if self.workers.first and self._saved != self.state.step:
                self._saver.save_now(self.state, self.task.tokenizer)
            self._saver.wait()
        finished = self.state.step == self.task.steps or self._is_enough()
        if finished and self.task.patience is not None:
            self.workers.wait()  # until the first worker has written its last
            self.checkpoints.load_best_weights(self.state)
        return finished

    def _train(self) -> bool:
        """Train to the last step, or until it is enough or asked to stop; True if bad steps ended it before."""
        clock = Clock(self._settings, peak=self.workers.peak)
        for micro_batches in _prefetched(self.task, self.state, self.workers, clock):
            *counts, tokens, flop, stop = self.workers.total(self._figures(micro_batches))
            if stop:
                self._guard.read(self.state.step, now=True)
                break
            looked_at = self._looked_at(self.state.step + 1)
            record = self._step(micro_batches, counts, looked_at=looked_at)
            self.state.step += 1
            self.state.tokens += int(tokens)
            seconds = clock.step(tokens, flop)
            self.state.seconds += seconds
            if self._guard.read(self.state.step, now=self.state.step == self.task.steps):
                return True
            if looked_at:
                self._log(record() | clock.figures())
            self._save_in_time(seconds)
            if self._due(self.task.eval_every) and self._is_enough():
                break
            clock.leave_out()
        return False

    def _step(
        self, micro_batches: Sequence[MicroBatch], counts: list[float], *, looked_at: bool
    ) -> Callable[[], Record]:
        """One optimizer step; returns what gives its point of the curves, for that costs a look at the device."""
        seed_step(self.seed, self.state.step, self.workers.rank)
        device = self.workers.device
        # DDP averages over the workers; times their number it sums. Numbers of the host, so that none is copied.
        weights = [self.workers.world_size / max(count, 1) for count in counts]
        losses = torch.zeros(len(counts), device=device)
        correct = torch.zeros(len(counts), device=device)
        self._model.train()
        for number, micro_batch in enumerate(micro_batches, start=1):
            with accumulating(self._model, last=number == len(micro_batches)):
                with autocast(device, self._settings.precision):
                    sums = self.task.losses(self._model, micro_batch.inputs)
                torch.stack([loss * weight for loss, weight in zip(sums.losses, weights, strict=True)]).sum().backward()
            losses += sums.losses.detach()
            correct += sums.correct
        norm = nn.utils.clip_grad_norm_(self.state.model.parameters(), self._settings.optimizer.max_grad_norm)
        rate = self._settings.optimizer.learning_rate * multiplier(
            self._settings.schedule, self.state.step, self.task.steps
        )
        set_learning_rate(self.state.optimizer, rate)
        totals = self.workers.total_on_device(torch.stack([losses, correct]))
        skip_where(self.state.optimizer, self._guard.judge(totals[0].sum(), norm))
        update = Update(self.state.model.parameters()) if looked_at else None
        self.state.optimizer.step()
        moved = update.norm() if update else norm.new_zeros(())
        self.state.optimizer.zero_grad()
        return lambda: self._record(totals, counts, rate, norm, moved)

    def _record(self, totals: Tensor, counts: list[float], rate: float, norm: Tensor, moved: Tensor) -> Record:
        record: Record = {}
        for name, loss, right, count in zip(self.task.objectives, *totals.tolist(), counts, strict=True):
            record[f"train/{name}_loss"] = loss / max(count, 1)
            record[f"train/{name}_accuracy"] = right / max(count, 1)
        record["train/loss"] = sum(record[f"train/{name}_loss"] for name in self.task.objectives)
        record["train/learning_rate"] = rate
        record["train/grad_norm"] = norm.item()
        record["train/update_norm"] = moved.item()
        record["train/skipped_steps"] = self.state.vigilance.skipped
        record["train/rollbacks"] = self.state.vigilance.rollbacks
        return record

    def _figures(self, micro_batches: Sequence[MicroBatch]) -> list[float]:
        counts = [sum(column) for column in zip(*(batch.counts for batch in micro_batches), strict=True)]
        stop = self.workers.first and self.stop_requested()
        tokens, flop = sum(batch.tokens for batch in micro_batches), sum(batch.flop for batch in micro_batches)
        return [*map(float, counts), float(tokens), flop, float(stop)]

    def _beat(self, *_: object) -> None:
        self.beat()

    def _settle(self) -> None:
        """One throw-away backward pass: DDP lays out its buckets anew after the first, and with more than two workers
        another layout sums in another order. After this the first step of a resumed run sums like any other.
        """
        if self.workers.world_size == 1 or self.state.step == self.task.steps:
            return
        micro_batch = _batch(self.task, self.state, self.state.step, self.workers)[0]
        with autocast(self.workers.device, self._settings.precision):
            sums = self.task.losses(self._model, micro_batch.inputs)
        (sums.losses * 0).sum().backward()
        self.state.optimizer.zero_grad()

    def _due(self, every: int) -> bool:
        return self._is_due(self.state.step, every)

    def _is_due(self, step: int, every: int) -> bool:
        return step % every == 0 or step == self.task.steps

    def _looked_at(self, step: int) -> bool:
        """Whether the step is a point of the curves."""
        return self._is_due(step, self._settings.log_every) or self._is_due(step, self.task.eval_every)

    def _log(self, figures: Record) -> None:
        record: Record = {
            "step": self.state.step,
            "seconds": round(self.state.seconds, 3),
            "train/tokens": self.state.tokens,
            "train/world_size": self.workers.world_size,
            "train/restarts": self.restarts,
            **figures,
            **self._saver.figures(),
        }
        if self._due(self.task.eval_every) and (held_out := self.task.evaluate(self.workers)):
            record |= held_out
            self.state.held_out_loss = self.task.held_out_loss(held_out)
        self.state.history = thinned([*self.state.history, record], self._settings.log_every, self.task.eval_every)
        if self.workers.first:
            self.tracker.log(record, self.state.step)

    def _evaluations(self) -> list[tuple[int, float]]:
        """(step, loss) of each up to now."""
        losses = [(int(point["step"]), self.task.held_out_loss(point)) for point in self.state.history]
        return [(step, loss) for step, loss in losses if loss is not None]

    def _is_enough(self) -> bool:
        if self.task.patience is None or not (losses := [loss for _, loss in self._evaluations()]):
            return False
        return len(losses) - 1 - losses.index(min(losses)) >= self.task.patience

    def _is_best(self) -> bool:
        """Whether this step was evaluated, and its weights are better than all before."""
        *before, (step, loss) = self._evaluations() or [(-1, 0.0)]
        return step == self.state.step and all(loss < other for _, other in before)

    def _roll_back(self) -> None:
        """Go back to the last good checkpoint, and on with batches that were not seen since.

        Raises:
            BerthError: there is no checkpoint, or it was gone back to too often.
        """
        bad, step, limit = self.state.vigilance, self.state.step, self._settings.guard.max_rollbacks
        problem = (
            f"up to step {step}, {bad.bad_in_row} steps in a row were skipped: not finite, or spikes of the gradient"
        )
        remedy = "lower the learning rate, lengthen the warm-up, or look at the data with `berth doctor`"
        self._saver.wait()
        self.workers.wait()  # until the first worker has written its last
        if not self.checkpoints.load_latest(self.state, good=True):
            raise BerthError(f"{problem}, and there is no checkpoint to go back to; {remedy}")
        good = self.state.vigilance
        if bad.rollbacks - good.rollbacks >= limit:
            raise BerthError(
                f"{problem}, and the training went back to step {self.state.step} {limit} times already; {remedy}"
            )
        good.skipped, good.rollbacks = bad.skipped, bad.rollbacks + 1
        good.passed_over = bad.passed_over + step - self.state.step
        if self.workers.first:
            self.checkpoints.remove_after(self.state.step)
            log.warning("%s; the training goes back to step %d and on with other batches", problem, self.state.step)
        self._guard = Guard(self._settings.guard, self.workers.device, good)
        self._saved = self.state.step

    def _save_in_time(self, seconds: float) -> None:
        """Save if it is time, unless a save is still being written or the last steps were bad, and what may become the
        result in any case. The last step took `seconds`.

        Only the first worker knows of it. What it does, to read the guard's figures earlier, changes no verdict.
        """
        if not self.workers.first:
            return
        writing = self._saver.busy
        self._interval.stepped(seconds, writing=writing)
        best = self.task.patience is not None and self._due(self.task.eval_every) and self._is_best()
        if best or (not writing and self._interval.due(self.state.step)):
            self._guard.read(self.state.step, now=True)
            if not self.state.vigilance.bad_in_row:
                self._save()

    def _save(self) -> None:
        begin = time.monotonic()
        self._saver.save(self.state, self.task.tokenizer)
        self._saved = self.state.step
        self._interval.saved(time.monotonic() - begin)


def _batch(task: Task, state: State, step: int, workers: Workers) -> Sequence[MicroBatch]:
    return task.micro_batches(step + state.vigilance.passed_over, workers.rank, workers.world_size)


def _prefetched(task: Task, state: State, workers: Workers, clock: Clock) -> Iterator[Sequence[MicroBatch]]:
    """The batches of all steps to come, each made while the one before it trains."""
    start = state.step

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches") as pool:
        ahead = pool.submit(_batch, task, state, start, workers) if start < task.steps else None
        for step in range(start, task.steps):
            assert ahead is not None
            with clock.waiting():
                batch = ahead.result()
            if step + 1 < task.steps:
                ahead = pool.submit(_batch, task, state, step + 1, workers)
            yield batch
