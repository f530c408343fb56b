"""A `Run` from beginning to end: prepare what is read, train with group after group of workers, write the report.

What a run has reached is known from its folder alone, so the same command continues after anything. A group is asked to
stop (it saves first) when nodes join or leave; the next one has their number. A group that fails is followed by another
from the last checkpoint, as often in a row as `limits.max_failures` says.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType

from rich.console import Console

from trainer import storage
from trainer.config.load import differences, dump, parse
from trainer.config.schema import Run
from trainer.engine.folder import RunFolder
from trainer.errors import BerthError, ConfigError, DeadlineExceeded, Interrupted, Stalled
from trainer.runtime import board, nodes
from trainer.runtime.attempts import Attempts
from trainer.runtime.board import Failure, Message, Notice
from trainer.runtime.display import Display
from trainer.runtime.group import Group, reason
from trainer.runtime.metrics import Metrics
from trainer.runtime.nodes import Places
from trainer.runtime.prepare import prepare
from trainer.runtime.resizing import Resizing
from trainer.tracking.report import write_report

WAITING_LINE_EVERY = 30.0
"""Seconds."""


def execute(run: Run, console: Console) -> str:
    """Bring a run to its end and return the URI of its report.

    Raises:
        InputError: a person must mend something.
        Interrupted: Ctrl-C or SIGTERM; the run is saved and the same call continues.
        DeadlineExceeded: the time that the run was given is over; it is saved.
        Stalled: nothing is heard of the workers; the same call tries again.
        BerthError: the workers failed more often than `limits.max_failures` allows.
    """
    folder = RunFolder.of(run)
    if not nodes.in_cluster():
        _check_cpus(run)
    with Display(console) as display, _stop_on_signal() as stop:
        _claim(folder, run)
        attempts = Attempts(run, folder)
        work = _Work(run, folder, display, stop, attempts)
        with _remembered(attempts):
            prepare(run, folder, work.tell)
            work.train()
    return write_report(run, folder.uri)


def _check_cpus(run: Run) -> None:
    available = len(os.sched_getaffinity(0))
    wanted = run.scaling.least_workers * run.scaling.cpus_per_worker
    if wanted > available:
        raise ConfigError(
            "scaling.num_workers",
            f"{run.scaling.least_workers} workers need {wanted} CPUs and there are {available}",
            f"lower it to {max(available // run.scaling.cpus_per_worker, 1)}",
        )


def _claim(folder: RunFolder, run: Run) -> None:
    """Refuse a folder that holds another run; else note what this one is."""
    if storage.exists(folder.config):
        changed = differences(parse(storage.read_text(folder.config), folder.config), run)
        if changed:
            name, old, new = changed[0]
            raise ConfigError(
                name,
                f"{new!r}, but {folder.uri} was begun with {old!r}",
                "give the run another name or delete the folder",
            )
    storage.write_text(folder.config, dump(run))


@contextmanager
def _remembered(attempts: Attempts) -> Generator[None]:
    """Close the record where the driver knows why it ends; a stall, a crash or a kill leaves it open and counts."""
    if not attempts.begin():
        attempts.end()
        raise BerthError("the run was started again too often without a new checkpoint; see the logs of its pods")
    try:
        yield
    except Stalled:
        raise
    except BerthError:
        attempts.end()
        raise
    attempts.end()


class _Work:
    """What the driver does between the first look and the report."""

    def __init__(
        self, run: Run, folder: RunFolder, display: Display, stop: threading.Event, attempts: Attempts
    ) -> None:
        self._run = run
        self._folder = folder
        self._display = display
        self._stop = stop
        self._attempts = attempts
        self._metrics = Metrics()
        if nodes.in_cluster():
            self._metrics.listen()

    def finished(self) -> bool:
        return all(storage.exists(self._folder.result(stage.name)) for stage in self._run.stages)

    def tell(self, part: str, done: int, total: int | None) -> None:
        """Show how far a preparation is. It can be stopped here; it is then made again."""
        self._go_on()
        self._display.show(part, done, total)

    def train(self) -> None:
        """Train until all stages are finished."""
        settled, after_failure = not nodes.in_cluster(), False
        while not self.finished():
            with nodes.connected():  # what a failed group leaves behind, Ray clears away when the connection ends
                error = self._groups(settled, after_failure)
            settled, after_failure = True, True
            if error is not None:
                self._count(error)

    def _groups(self, settled: bool, after_failure: bool) -> Exception | None:
        """Train with one group after the other; what one of them failed of, or None when all stages are finished."""
        while not self.finished():
            here = self._room(settled, after_failure)
            self._display.say(f"starting workers: {here.workers}")
            with Group(self._run, self._folder, here.workers) as group:
                failure = self._watch(group, Resizing(self._run.scaling, here))
            if failure is not None:
                raise failure
            if group.error is not None:
                return group.error
            settled, after_failure = True, False
        return None

    def _room(self, settled: bool, after_failure: bool) -> Places:
        """Wait until there is room for the least number of workers and, unless it is `settled`, for no more to come."""
        scaling = self._run.scaling
        seen, seen_at, told_at = None, 0.0, float("-inf")
        while True:
            self._go_on()
            here, now = nodes.places(scaling, reachable_only=after_failure), time.monotonic()
            if here != seen:
                seen, seen_at = here, now
            complete = settled or here.workers == scaling.most_workers or now - seen_at >= scaling.settle_seconds
            if here.workers >= scaling.least_workers and complete:
                return here
            if here.workers < scaling.least_workers and now - told_at >= WAITING_LINE_EVERY:
                told_at = now
                self._display.say(f"waiting for nodes: room for {here.workers} of {scaling.least_workers} workers")
            time.sleep(0.5)

    def _watch(self, group: Group, resizing: Resizing) -> BerthError | None:
        """Show what a group does until it ends; the error that ends the run, if it met one.

        Raises:
            Stalled: nothing was heard of the workers for too long.
        """
        failure = None
        heard = time.monotonic()
        while group.running(0.5):
            notices = group.notices()
            failure = self._shown(notices) or failure
            if notices:
                heard = time.monotonic()
            if time.monotonic() - heard > 60 * self._run.limits.stall_minutes:
                raise Stalled(f"nothing was heard of the workers for {self._run.limits.stall_minutes:g} minutes")
            self._stop_in_time(group, resizing)
        return self._shown(group.notices()) or failure

    def _stop_in_time(self, group: Group, resizing: Resizing) -> None:
        """Ask a group to stop when the user or the deadline says so, or when another number of workers fits."""
        if group.stopping:
            return
        if self._stop.is_set():
            self._display.say("stopping at the next step; once more to stop at once")
        elif self._late():
            self._display.say("the deadline is reached: stopping at the next step")
        elif resizing.due(nodes.places(self._run.scaling)):
            self._display.say("nodes have come or gone: saving at the next step")
        else:
            return
        group.stop()

    def _count(self, error: Exception) -> None:
        within = self._attempts.fail()
        if not within:
            raise BerthError(
                f"training failed {self._run.limits.max_failures + 1} times without a new checkpoint: {reason(error)}"
            ) from error
        self._display.say(f"warning: {reason(error)}; the workers start again from the last checkpoint")

    def _shown(self, notices: list[Notice]) -> BerthError | None:
        """Show the notices; the error that ends the run, if there is one among them."""
        failure = None
        for notice in notices:
            match notice:
                case board.Progress(stage, step, steps, record):
                    self._display.training(stage, step, steps, record)
                    self._metrics.training(stage, step, steps, record)
                case Message(text):
                    self._display.say(f"warning: {text}")
                case Failure(error):
                    failure = error
        return failure

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise Interrupted("stopped and saved; the same command continues")
        if self._late():
            raise DeadlineExceeded(
                f"limits.deadline_hours: {self._run.limits.deadline_hours:g} hours are over and the run is saved, not "
                "finished; raise the deadline and the same command continues"
            )

    def _late(self) -> bool:
        return self._attempts.deadline is not None and datetime.now(UTC) >= self._attempts.deadline


@contextmanager
def _stop_on_signal() -> Generator[threading.Event]:
    """Ctrl-C or SIGTERM sets the event; a second one ends the work at once."""
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            sys.stderr.write("berth: stopped at once; the same command continues from the last checkpoint\n")
            os._exit(Interrupted.exit_code)  # Ray's processes end with this one
        stop.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
