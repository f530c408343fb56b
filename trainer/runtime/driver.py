"""A `Run` from beginning to end: prepare what is read, let Ray Train's workers train, write the report.

Ray Train starts the workers and starts them again after a crash. What a run has reached is known from its folder
alone, so the same command continues after anything. The main thread shows progress and listens to Ctrl-C; Ray Train
waits in another.
"""

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any

import ray
from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchConfig, TorchTrainer
from rich.console import Console

from trainer import storage
from trainer.config.load import differences, dump, parse
from trainer.config.schema import Run
from trainer.data.prepare import Progress
from trainer.engine.folder import RunFolder
from trainer.errors import BerthError, ConfigError, Interrupted
from trainer.runtime import board
from trainer.runtime.board import Board, BoardHandle, Failure, Message, Notice, RestartNotice
from trainer.runtime.display import Display
from trainer.runtime.prepare import prepare
from trainer.runtime.worker import Assignment, work
from trainer.tracking.report import write_report

OBJECT_STORE_BYTES = 80_000_000  # Ray's minimum: nothing big travels through it


def execute(run: Run, console: Console) -> str:
    """Bring a run to its end and return the URI of its report.

    Raises:
        InputError: a person must mend something.
        Interrupted: Ctrl-C; the run is saved and the same call continues.
        BerthError: the workers failed more often than `scaling.max_failures` allows.
    """
    folder = RunFolder.of(run)
    _check_cpus(run)
    with Display(console) as display, _stop_on_signal() as stop:
        _claim(folder, run)
        prepare(run, folder, _stoppable(display.show, stop))
        if not _finished(run, folder):
            _train(run, folder, display, stop)
    return write_report(run, folder.uri)


def results(run: Run) -> dict[str, dict[str, Any]]:
    """The result of every finished stage, by name."""
    folder = RunFolder.of(run)
    done = [stage.name for stage in run.stages if storage.exists(folder.result(stage.name))]
    return {name: json.loads(storage.read_text(folder.result(name))) for name in done}


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


def _stoppable(progress: Progress, stop: threading.Event) -> Progress:
    """What is being prepared can be stopped wherever it tells of progress; it is then made again."""

    def tell(part: str, done: int, total: int | None) -> None:
        if stop.is_set():
            raise Interrupted("stopped; the same command continues")
        progress(part, done, total)

    return tell


def _finished(run: Run, folder: RunFolder) -> bool:
    return all(storage.exists(folder.result(stage.name)) for stage in run.stages)


class _Training(threading.Thread):
    """Ray Train at work in a thread of its own, so that signals and progress have the main one."""

    def __init__(self, trainer: TorchTrainer) -> None:
        super().__init__(name="ray-train", daemon=True)
        self._trainer = trainer
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self._trainer.fit()
        except Exception as error:
            self.error = error


def _train(run: Run, folder: RunFolder, display: Display, stop: threading.Event) -> None:
    with _ray():
        notices: BoardHandle = Board.remote()  # pyright: ignore[reportFunctionMemberAccess]
        training = _Training(_trainer(run, Assignment(run, folder, notices)))
        training.start()
        told = False
        failure: BerthError | None = None
        while training.is_alive():
            training.join(0.2)
            if stop.is_set() and not told:
                display.say("stopping at the next step; once more to stop at once")
                notices.stop.remote()
                told = True
            failure = _shown(ray.get(notices.take.remote()), display) or failure
        failure = _shown(ray.get(notices.take.remote()), display) or failure
    if failure is not None:
        raise failure
    if training.error is not None:
        last_line = str(training.error).strip().rpartition("\n")[2]
        raise BerthError(f"training failed, after {run.scaling.max_failures} restarts: {last_line}") from training.error
    if told and not _finished(run, folder):
        raise Interrupted("stopped and saved; the same command continues")


def _shown(notices: list[Notice], display: Display) -> BerthError | None:
    """Show the notices; the error that ends the run, if there is one among them."""
    failure = None
    for notice in notices:
        match notice:
            case board.Progress(stage, step, steps, record):
                display.training(stage, step, steps, record)
            case Message(text):
                display.say(f"warning: {text}")
            case Failure(error):
                failure = error
    return failure


def _trainer(run: Run, assignment: Assignment) -> TorchTrainer:
    scaling = run.scaling
    resources = {"CPU": scaling.cpus_per_worker} | ({"GPU": 1} if scaling.gpus_per_worker else {})
    filesystem, path = storage.arrow_filesystem(assignment.folder.stage("ray"))
    return TorchTrainer(
        partial(work, assignment),
        torch_config=TorchConfig(backend="nccl" if scaling.gpus_per_worker else "gloo", timeout_s=300),
        scaling_config=ScalingConfig(
            num_workers=scaling.num_workers,
            use_gpu=bool(scaling.gpus_per_worker),
            resources_per_worker=resources,
        ),
        run_config=RunConfig(
            name=run.name,
            storage_path=path,
            storage_filesystem=filesystem,
            failure_config=FailureConfig(max_failures=scaling.max_failures),
            callbacks=[RestartNotice(assignment.board)],
        ),
    )


@contextmanager
def _ray() -> Generator[None]:
    ray.init(
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        object_store_memory=OBJECT_STORE_BYTES,
    )
    try:
        yield
    finally:
        ray.shutdown()


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
