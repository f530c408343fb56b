"""A stage of a run on Weights & Biases: one group per Berth run, one W&B run per stage, its id made of both names.

In: records from rank 0. Out: records below `folder`/wandb, and on the server when the run is `online`. A restarted
stage takes the same id and gives its steps by number, so that its curve goes on and no step counts twice. W&B never
stops training and never decides how it ends: what it raises becomes one warning, what it waits for has a limit.
"""

import contextlib
import logging
import os
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, Literal

import wandb

from trainer import storage
from trainer.config import schema
from trainer.tracking.redaction import without_credentials

_log = logging.getLogger(__name__)

Mode = Literal["offline", "online"]

STEP = "train/step"
"""The x-axis of every curve: optimizer steps of the stage."""

FINISH_TIMEOUT = 60.0
"""Seconds."""


def run_id(run_name: str, stage: str) -> str:
    """The id of a stage's W&B run; no other pair of names has it, since the name of a run has no dot."""
    return f"{run_name}.{stage}"


class WandbTracker:
    """Records one stage with W&B.

    `online` falls back to `offline` when there is no key or the server does not answer within `init_timeout` seconds;
    uploading what is left at the end takes at most `FINISH_TIMEOUT`, and `wandb sync` sends the rest later.
    `disabled` creates nothing. The run's setting decides, not WANDB_MODE. The key is W&B's own business (WANDB_API_KEY
    or `wandb login`).
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
        init_timeout: float = 30,
    ) -> None:
        self._run: wandb.Run | None = None
        self._folder = folder
        if settings.wandb == "disabled":
            return
        os.environ.setdefault("WANDB_CACHE_DIR", str(storage.cache_folder() / "wandb"))
        identity = {
            "entity": settings.entity,
            "project": settings.project,
            "run_group": run_name,
            "run_job_type": kind,
            "run_name": f"{run_name}/{stage}",
            "run_id": run_id(run_name, stage),
            "root_dir": str(folder),
            "init_timeout": init_timeout,
        }
        with self._guarded():
            folder.mkdir(parents=True, exist_ok=True)
            self._run = self._started(settings.wandb, identity, without_credentials(dict(config)))
            self._run.define_metric("*", step_metric=STEP)
            if not self._run.offline:
                _log.info("W&B: %s", self._run.url)

    def log(self, record: Mapping[str, float], step: int) -> None:
        with self._guarded():
            if self._run:
                self._run.log(
                    {STEP: step, **{name: value for name, value in record.items() if name != "step"}}, step=step
                )

    def finish(self, summary: Mapping[str, float]) -> None:
        with self._guarded():
            if self._run:
                self._run.summary.update(dict(summary))
                self._run.finish()
                if self._run.offline:
                    wandb.teardown()  # waits until the records are on disk

    def _started(self, mode: Mode, identity: dict[str, Any], config: dict[str, Any]) -> wandb.Run:
        settings = _settings(mode, identity)
        try:
            wandb.setup(settings)
            if mode == "online":
                _log_in()
            return wandb.init(config=config, settings=settings)
        except Exception as error:
            if mode == "offline":
                raise
            records = self._folder / "wandb" / "offline-run-*"
            _log.warning(
                "W&B is not online (%s); this stage is recorded offline, `wandb sync %s` sends it later",
                _first_line(error),
                records,
            )
            wandb.teardown()  # else the id counts as in use
            return self._started("offline", identity, config)

    @contextlib.contextmanager
    def _guarded(self) -> Generator[None]:
        try:
            yield
        except Exception as error:  # whatever W&B raises, training goes on
            self._run = None
            _log.warning(
                "W&B failed (%s); this stage is no longer recorded there, training goes on", _first_line(error)
            )
            with contextlib.suppress(Exception):
                wandb.teardown()  # else it complains again when the process ends


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
        finish_timeout=FINISH_TIMEOUT,
        **identity,
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0] or type(error).__name__
