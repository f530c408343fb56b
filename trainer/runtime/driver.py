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
from types import FrameType

from rich.console import Console

from trainer import storage
from trainer.config.load import MAY_CHANGE, differences, dump, parse
from trainer.config.schema import Run
from trainer.engine.folder import RunFolder
from trainer.errors import BerthError, ConfigError, DeadlineExceeded, Interrupted, RunHeld, Stalled
from trainer.runtime import failure_alert, nodes, notice_board
from trainer.runtime.annotations import Annotations
from trainer.runtime.attempts import Attempts
from trainer.runtime.display import Display
from trainer.runtime.driver_watchdog import Alarm, alarm
from trainer.runtime.group import Group, reason, without_place
from trainer.runtime.inputs import check, prepare
from trainer.runtime.lease import Lease, held
from trainer.runtime.metrics import Metrics
from trainer.runtime.nodes import Places
from trainer.runtime.notice_board import Failure, Message, Notice
from trainer.runtime.resizing import Resizing
from trainer.runtime.spares import Spares
from trainer.runtime.watchdog import Watch, describe, end_all, keep, patience
from trainer.tasks.trials import summarise
from trainer.tracking.report import write_report

WAITING_LINE_EVERY = 30.0
"""Seconds."""
MOST_UNPLACED = 2
"""Groups in a row for which Ray finds no place: it then goes on with another Ray. Where the clock of Ray's head is set
back, it makes no places (placement groups) until that time has come again.
"""
CLEARING = 10.0
"""Seconds for what a failed group has left to end."""
ENDING = 30.0
"""Seconds that Ray Train has to see that its workers are dead."""
ANSWERS = 60.0
"""Seconds that Ray may take for one thing, beside the storage, until the driver itself hangs."""


def execute(run: Run, console: Console) -> str:
    """Bring a run to its end and return the URI of its report.

    Raises:
        InputError: a person must mend something, or another driver is at work on the run.
        Interrupted: Ctrl-C or SIGTERM; the run is saved and the same call continues.
        DeadlineExceeded: the time that the run was given is over; it is saved.
        Stalled: Ray does not answer; the same call tries again.
        BerthError: the workers failed more often than `limits.max_failures` allows.
    """
    folder = RunFolder.of(run)
    if not nodes.in_cluster():
        _check_cpus(run)
    with (
        alarm(patience(run.limits)) as bell,
        Display(console, json_lines=run.tracking.json_lines) as display,
        _stop_on_signal() as stop,
        held(folder, display.say, run.checkpoint.patience_minutes) as lease,
    ):
        check(run, folder)  # first, so that a mistyped path claims nothing
        storage.patiently(lambda: _claim(folder, run), run.checkpoint.patience_minutes)
        attempts = Attempts(run, folder)
        work = _Work(run, folder, display, stop, attempts, lease, bell)
        with work.alerting(), _remembered(attempts):
            prepare(run, folder, work.tell)
            work.train()
            summarise(run, folder)
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
                f"only {', '.join(sorted(MAY_CHANGE))} and the list of SQuAD stages may change in a run; set it back, "
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
    except (Stalled, RunHeld):
        raise
    except BerthError:
        attempts.end()
        raise
    attempts.end()


class _Work:
    """What the driver does between the first look and the report."""

    def __init__(
        self,
        run: Run,
        folder: RunFolder,
        display: Display,
        stop: threading.Event,
        attempts: Attempts,
        lease: Lease,
        bell: Alarm,
    ) -> None:
        self._run = run
        self._folder = folder
        self._display = display
        self._stop = stop
        self._attempts = attempts
        self._lease = lease
        self._bell = bell
        self._stage = run.stages[0].name
        self._metrics = Metrics()
        self._annotations = Annotations.granted()
        if nodes.in_cluster():
            self._metrics.listen()

    def finished(self) -> bool:
        results = [self._folder.result(stage.name) for stage in self._run.stages]
        return storage.patiently(lambda: all(map(storage.exists, results)), self._run.checkpoint.patience_minutes)

    def tell(self, part: str, done: int, total: int | None) -> None:
        """Show how far a preparation is. It can be stopped here; it is then made again."""
        self._go_on()
        self._bell.within(patience(self._run.limits))
        self._display.show(part, done, total)

    @contextmanager
    def alerting(self) -> Generator[None]:
        """W&B is told what ends the run for good, if a worker has begun to train: else it knows of no run."""
        try:
            yield
        except (Interrupted, Stalled, RunHeld):
            raise
        except BerthError as error:
            if self._attempts.groups:
                self._bell.within(failure_alert.PATIENCE)
                failure_alert.alert(self._run, self._folder, self._stage, str(error))
            raise

    def train(self) -> None:
        """Train until all stages are finished."""
        settled, failure, unplaced = not nodes.in_cluster(), "", 0
        while not self.finished():
            with nodes.connected():
                spares, clear = Spares(), True
                while clear and not self.finished():  # what is not cleared away, Ray ends with the connection
                    error = self._group(spares, settled, failure)
                    settled, failure = True, "" if error is None else reason(error)
                    unplaced = unplaced + 1 if without_place(error) else 0
                    if error is not None:
                        self._count(error, unplaced)
                        clear = nodes.cleared(CLEARING) and unplaced < MOST_UNPLACED

    def _group(self, spares: Spares, settled: bool, failure: str) -> Exception | None:
        """Train with one group of workers to its end; what it failed of. `failure`: what the last one failed of."""
        here = self._room(settled, after_failure=bool(failure))
        self._display.say(f"starting workers: {here.workers}")
        with Group(self._run, self._folder, here.workers, self._attempts.regroup(), failure) as group:
            error = self._watch(group, Resizing(self._run.scaling, here), spares)
        if error is not None:
            raise error
        return group.error

    def _room(self, settled: bool, *, after_failure: bool) -> Places:
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

    def _watch(self, group: Group, resizing: Resizing, spares: Spares) -> BerthError | None:
        """Show what a group does until it ends; the error that ends the run, if it met one.

        Raises:
            Stalled: Ray does not answer.
        """
        failure, watch = None, Watch(self._run.limits)
        while group.running(0.5):
            self._hold()
            notices = group.notices()
            failure = self._shown(notices) or failure
            if watch.stalled(group.signs(), heard=bool(notices)):
                self._end_hanging(group, watch.allowed)
                break
            here = nodes.places(self._run.scaling)
            self._stop_in_time(group, resizing, here)
            spares.renew(here)
        return self._shown(group.notices()) or failure

    def _end_hanging(self, group: Group, silence: float) -> None:
        """End the workers where they hang; what they hang in stays on storage."""
        signs = group.signs()
        seen = end_all(signs)
        what = f"no worker finished anything for {silence / 60:.3g} minutes: {describe(group.size, seen)}"
        self._display.say(f"warning: {what}")
        self._hold()
        self._display.say(keep(self._folder.uri, signs, seen))
        if group.running(ENDING):
            group.error = BerthError(what)

    def _hold(self) -> None:
        """The main thread is here, and goes on only if the run is still ours."""
        minutes = self._run.limits.stall_minutes + self._run.checkpoint.patience_minutes
        self._bell.within(60 * minutes + ANSWERS)
        self._lease.check()

    def _stop_in_time(self, group: Group, resizing: Resizing, here: Places) -> None:
        """Ask a group to stop when the user or the deadline says so, or when another number of workers fits."""
        if group.stopping:
            return
        if self._stop.is_set():
            self._display.say("stopping at the next step; once more to stop at once")
        elif self._attempts.late():
            self._display.say("the deadline is reached: stopping at the next step")
        elif resizing.due(here):
            self._display.say("nodes have come or gone: saving at the next step")
        else:
            return
        group.stop()

    def _count(self, error: Exception, unplaced: int) -> None:
        """Count a failure of the training. Groups for which Ray finds no place are one together, when Ray is given up;
        in a cluster that counts itself, for the Master starts again.
        """
        if unplaced >= MOST_UNPLACED and nodes.in_cluster():
            raise Stalled(f"Ray found no place for the workers {unplaced} times, though there is room")
        if unplaced != 1 and not self._attempts.fail():
            raise BerthError(
                f"training failed {self._run.limits.max_failures + 1} times without a new checkpoint: {reason(error)}"
            ) from error
        self._display.say(f"warning: {reason(error)}; the workers start again from the last checkpoint")

    def _shown(self, notices: list[Notice]) -> BerthError | None:
        """Show the notices; the error that ends the run, if there is one among them."""
        failure = None
        for notice in notices:
            match notice:
                case notice_board.Progress(stage, step, steps, record):
                    self._stage = stage
                    self._display.training(stage, step, steps, record)
                    self._metrics.training(stage, step, steps, record)
                    if self._annotations and (complaint := self._annotations.training(stage, step, steps, record)):
                        self._display.say(f"warning: {complaint}")
                case notice_board.Note(text):
                    self._display.say(text)
                case notice_board.Detail(text):
                    self._display.log(text)
                case Message(text):
                    self._display.say(f"warning: {text}")
                case Failure(error):
                    failure = error
        return failure

    def _go_on(self) -> None:
        self._hold()
        if self._stop.is_set():
            raise Interrupted("stopped and saved; the same command continues")
        if self._attempts.late():
            raise DeadlineExceeded(
                f"limits.deadline_hours: {self._run.limits.deadline_hours:g} hours are over and the run is saved, not "
                "finished; raise the deadline and the same command continues"
            )


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
