"""A training of which only W&B's part is real: a process that logs to W&B as told, and how it ended."""

import os
import subprocess
import sys
from pathlib import Path

from tests.tracking.wandb_server import WandbServer

IMPATIENT = {
    "WANDB_HTTP_TIMEOUT": "1",
    "WANDB__GRAPHQL_RETRY_MAX": "1",
    "WANDB__FILE_STREAM_RETRY_MAX": "1",
    "WANDB__FILE_STREAM_TIMEOUT_SECONDS": "1",
    "WANDB__FILE_TRANSFER_RETRY_MAX": "1",
    "WANDB__FILE_TRANSFER_TIMEOUT_SECONDS": "1",
}
"""Gives a server up at its second mistake; W&B takes 0 for its own 20."""

_BEGINNING = """
import os, time, urllib.request
from pathlib import Path
from trainer.config.schema import Tracking
from trainer.tracking.tracker import Outcome, Reference
from trainer.tracking.wandb_tracker import WandbTracker

CORPUS = Reference("quickstart.corpus", "dataset", "gs://bucket/corpus", ("train-00000.arrow",), {"tokens": 7})
MODEL = Reference("quickstart.phase-1", "model", "s3://bucket/model", ("config.json",), {"steps": 30})
CONFIG = {"storage": "s3://key:hunter2@bucket/runs", "pretrain": [{"max_steps": 30}]}

def tracker(mode="online", stage="phase-1", config=CONFIG, **more):
    names = dict(run_name="quickstart", stage=stage, kind="pretrain", config=config, folder=Path(FOLDER, stage))
    return WandbTracker(Tracking(wandb=mode, project="harbour"), **names, **more)

def train(stage, steps):
    begin = time.monotonic()
    for step in steps:
        stage.log({"train/loss": 1 / step}, step)
    return time.monotonic() - begin

def misbehave(fault):
    urllib.request.urlopen(os.environ["WANDB_BASE_URL"] + "/misbehave/" + fault, b"").read()
"""


def own_environment(home: Path) -> dict[str, str]:
    """No key of the person who runs the tests, and nothing left in their home."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    return inherited | {"HOME": str(home), "NETRC": str(home / "netrc"), "BERTH_CACHE": str(home / "cache")}


def training(
    folder: Path, *lines: str, server: WandbServer | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A process with the run's folder that runs these lines. It ends by itself within 100 seconds."""
    told = server.environment if server else {}
    return subprocess.run(
        [sys.executable, "-c", "\n".join([f"FOLDER = {str(folder)!r}", _BEGINNING, *lines])],
        env=own_environment(folder.parent) | told | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
