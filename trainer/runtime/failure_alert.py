"""W&B's alert that a run has ended for good, which the driver sends: no worker is left to do it."""

from trainer import storage
from trainer.config.schema import Run
from trainer.engine.folder import RunFolder
from trainer.tracking.wandb_tracker import WandbTracker

PATIENCE = 180.0
"""Seconds, after which W&B has given up, whatever its server does."""


def alert(run: Run, folder: RunFolder, stage_name: str, reason: str) -> None:
    """Alert whom W&B knows, and call the stage `failed` there. Raises nothing.

    Only online: an alert that `berth sync` would send days later is none.
    """
    if run.tracking.wandb != "online":
        return
    [stage] = [stage for stage in run.stages if stage.name == stage_name]
    tracker = WandbTracker(
        run.tracking,
        run_name=run.name,
        stage=stage.name,
        kind=stage.kind,
        config={},  # the workers have told it
        folder=storage.working_folder(folder.stage(stage.name)),
        falls_back=False,
    )
    tracker.fail(reason)
