"""A stage of a run on Weights & Biases: one group per Berth run, one W&B run per stage, its id made of both names.

In: records from rank 0. Out: records below `folder`/wandb, and on the server when the run is `online`. A restarted
stage takes the same id and gives its steps by number, so that its curve goes on and no step counts twice. W&B never
stops training and never decides how it ends: what it raises becomes one warning, what it waits for has a limit.
"""

import atexit
import contextlib
import logging
import os
import subprocess
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import wandb
from wandb.sdk.lib.service.service_connection import ServiceConnection

from trainer import storage
from trainer.config import schema
from trainer.config.redaction import without_credentials
from trainer.tracking.artifacts import artifact, table
from trainer.tracking.tracker import Outcome, Reference

_log = logging.getLogger(__name__)

Mode = Literal["offline", "online"]

STEP = "train/step"
"""The x-axis of every curve: optimizer steps of the stage."""

BEST = {
    "eval/mlm_loss": "min",
    "eval/nsp_loss": "min",
    "eval/mlm_accuracy": "max",
    "eval/nsp_accuracy": "max",
    "eval/perplexity": "min",
    "eval/exact": "max",
    "eval/f1": "max",
}
"""Metrics whose summary is their best value beside the last one: `eval/f1.max`, `eval/f1.last`."""

FINISH_TIMEOUT = 60.0
"""Seconds."""

_GRACE = 5.0
"""Seconds that W&B may take beyond a limit of its own."""

_ON_DISK = 1.0
"""Seconds after which what was logged is on disk; W&B's own 15 are what a pod that is killed would lose."""

_WRITING = 5.0
"""Seconds that W&B's own process has for the disk before it is killed."""

_START = 45.0
"""Seconds that W&B's own process may take to start on a busy machine, beside `init_timeout`."""


def run_id(run_name: str, stage: str) -> str:
    """The id of a stage's W&B run; no other pair of names has it, since the name of a run has no dot."""
    return f"{run_name}.{stage}"


class WandbTracker:
    """Records one stage with W&B.

    `online` falls back to `offline` when there is no key or the server does not answer within `init_timeout` seconds,
    unless `falls_back` is false; uploading what is left at the end takes at most `finish_timeout`, and `berth sync`
    sends the rest later. `disabled` creates nothing. The run's setting decides, not WANDB_MODE. The key is W&B's own
    business (WANDB_API_KEY or `wandb login`). `restarted` is why the workers had to start again, where they had to,
    `history` what was logged before: an offline record begins with it, since a pod that is killed takes its own along.
    """

    def __init__(
        self,
        settings: schema.Tracking,
        *,
        run_name: str,
        stage: str,
        kind: Literal["pretrain", "squad"],
        config: Mapping[str, Any],
        folder: Path,
        corpus: Reference | None = None,
        restarted: str = "",
        history: Sequence[Mapping[str, float]] = (),
        falls_back: bool = True,
        init_timeout: float = 30,
        finish_timeout: float = FINISH_TIMEOUT,
    ) -> None:
        self._run: wandb.Run | None = None
        self._service: ServiceConnection | None = None
        self._patience = _START + init_timeout
        self._folder = folder
        self._falls_back = falls_back
        self._rollbacks: float | None = None
        if settings.wandb == "disabled":
            return
        for kind_of_folder in ("CACHE", "DATA"):  # a pod can write to few places
            os.environ.setdefault(f"WANDB_{kind_of_folder}_DIR", str(storage.cache_folder() / "wandb"))
        # Its telemetry complains on the terminal of a server that is away, and holds up the process's end by 20 s.
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        logging.getLogger("wandb").disabled = True  # its debug.log: on a full disk each line of it is a traceback
        identity = {
            "entity": settings.entity,
            "project": settings.project,
            "run_group": run_name,
            "run_job_type": kind,
            "run_name": f"{run_name}/{stage}",
            "run_id": run_id(run_name, stage),
            "root_dir": str(folder),
            "init_timeout": init_timeout,
            "finish_timeout": finish_timeout,
        }
        with self._guarded():
            folder.mkdir(parents=True, exist_ok=True)
            self._run = self._started(settings.wandb, identity, without_credentials(dict(config)))
            self._run.define_metric("*", step_metric=STEP)
            if corpus:
                _refer(self._run, corpus)
            if restarted:
                self._run.alert("restarted", restarted, level="WARN")
            for name, best in BEST.items():
                self._run.define_metric(name, step_metric=STEP, summary=f"{best},last")
            if self._run.offline:
                for record in history:
                    self._run.log(_row(record), step=int(record["step"]))
            else:
                _log.info("W&B: %s", self._run.url)
        self._patience = finish_timeout + _GRACE
        atexit.register(self._watchdog)  # W&B's hook, which waits without a limit, comes after it

    def log(self, record: Mapping[str, float], step: int) -> None:
        with self._guarded():
            if self._run:
                self._run.log(_row({**record, "step": step}), step=step)
                self._alert_of_rollbacks(self._run, record, step)

    def finish(self, summary: Mapping[str, float], outcome: Outcome | None = None) -> None:
        with self._guarded():
            if self._run:
                self._sum_up(self._run, summary, outcome)
                self._run.finish()
                if self._run.offline:
                    wandb.teardown()  # waits until the records are on disk

    def fail(self, reason: str) -> None:
        """The run has ended for good, not as it should: an alert, and W&B's state `failed`."""
        with self._guarded():
            if self._run:
                self._run.alert("failed", reason, level="ERROR")
                self._run.finish(exit_code=1)

    def _sum_up(self, run: wandb.Run, summary: Mapping[str, float], outcome: Outcome | None) -> None:
        run.summary.update({name: value for name, value in summary.items() if name not in BEST})
        if outcome:
            _refer(run, outcome.model)
            if outcome.answers.answers:
                run.summary["answers"] = table(outcome.answers)
        if summary:
            run.alert("finished", ", ".join(f"{name} {value:.4g}" for name, value in summary.items()))

    def _alert_of_rollbacks(self, run: wandb.Run, record: Mapping[str, float], step: int) -> None:
        rollbacks = record.get("train/rollbacks", 0)
        if self._rollbacks is not None and rollbacks > self._rollbacks:
            text = f"before step {step} it went back to a checkpoint: not finite, or spikes of the gradient"
            run.alert("diverged", text, level="WARN")
        self._rollbacks = rollbacks

    def _started(self, mode: Mode, identity: dict[str, Any], config: dict[str, Any]) -> wandb.Run:
        settings = _settings(mode, identity)
        try:
            self._service = wandb.setup(settings).ensure_service()
            if mode == "online":
                _log_in()
            return wandb.init(config=config, settings=settings)
        except Exception as error:
            if mode == "offline" or not self._falls_back:
                raise
            records = self._folder / "wandb" / "offline-run-*"
            _log.warning(
                "W&B is not online (%s); this stage is recorded offline, `berth sync` (or `wandb sync %s`) sends it",
                _first_line(error),
                records,
            )
            _tear_down()  # else the id counts as in use
            return self._started("offline", identity, config)

    @contextlib.contextmanager
    def _guarded(self) -> Generator[None]:
        """Training goes on whatever W&B raises, and after `_patience` seconds of waiting for it."""
        watchdog, begin = self._watchdog(), time.monotonic()
        try:
            yield
        except (Exception, SystemExit) as error:  # SystemExit: teardown's, where W&B's process failed
            given_up = time.monotonic() - begin >= self._patience
            reason = f"no answer for {self._patience:.0f} s" if given_up else _first_line(error)
            rest = (
                f"`berth sync` sends what lies in {self._folder / 'wandb'}"
                if self._run
                else "nothing is recorded there"
            )
            _log.warning("W&B failed (%s), which ends no training; %s", reason, rest)
            self._run = None
            _tear_down()  # else it complains again when the process ends
        finally:
            watchdog.cancel()
            watchdog.join()

    def _watchdog(self) -> threading.Timer:
        watchdog = threading.Timer(self._patience, self._end_service)
        watchdog.daemon = True
        watchdog.start()
        return watchdog

    def _end_service(self) -> None:
        """Whoever waits for W&B's process gets an error, and the process goes: it would ask a server that is away for
        another quarter of an hour. What it has in memory it first writes to disk.
        """
        if not self._service or not self._service.owns_service:
            return
        threading.Thread(target=_tear_down, daemon=True).start()
        # It has no public name, and takes no notice of SIGTERM.
        process = self._service._proc._process  # pyright: ignore[reportPrivateUsage, reportOptionalMemberAccess]
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_WRITING)
        process.kill()


def _row(record: Mapping[str, float]) -> dict[str, float]:
    """Of W&B's history."""
    return {STEP if name == "step" else name: value for name, value in record.items()}


def _refer(run: wandb.Run, reference: Reference) -> None:
    """Log an artifact. W&B first asks the server what it thinks of the name, and raises where the server is away."""
    try:
        run.log_artifact(artifact(reference))
    except Exception as error:
        _log.warning("W&B takes no note of %s (%s)", reference.name, _first_line(error))


def _tear_down() -> None:
    with contextlib.suppress(Exception, SystemExit):
        wandb.teardown()


def _log_in() -> None:
    """Use the key that is configured; never ask for one, since a terminal may have nobody in front of it."""
    if not wandb.login(prompt=False, verify=False):
        raise wandb.Error("there is no API key")


def _settings(mode: Mode, identity: dict[str, Any]) -> wandb.Settings:
    return wandb.Settings(
        mode=mode,
        resume="allow",
        reinit="create_new",
        console="off",
        silent=True,
        disable_code=True,
        disable_git=True,
        x_save_requirements=False,
        x_disable_meta=True,
        x_disable_machine_info=True,
        x_transaction_log_flush_interval=_ON_DISK,
        finish_timeout_raises=True,
        **identity,
    )


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0] or type(error).__name__
