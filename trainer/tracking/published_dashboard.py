"""A dashboard where W&B keeps it, and where that is: `dashboard.json` in the run's folder.

In: a run and its folder. Out: view and report on the server, made by the first call and changed by the next ones, which
find them by that file: W&B gives them their names, and nothing forbids two of one title.
"""

import contextlib
import os
import threading
from collections.abc import Generator

import wandb
import wandb_workspaces.workspaces as ws
from pydantic import BaseModel, ConfigDict, ValidationError

from trainer import storage
from trainer.config import schema
from trainer.errors import BerthError, ConfigError, DataError, InputError
from trainer.tracking import dashboard
from trainer.tracking.wandb_server import PATIENCE, log_in

_GRACE = 5.0
"""Seconds for the end of wandb-core, W&B's own process, which makes the requests."""


class Published(BaseModel):
    """Where the dashboard of a run lies; empty what is not made yet."""

    model_config = ConfigDict(frozen=True)

    project: str
    """URL of the W&B project."""
    report: str = ""
    """URL."""
    report_id: str = ""
    view: str = ""
    """URL."""


def publish(run: schema.Run, folder: str) -> Published:
    """Bring the dashboard of a run to W&B, as it follows from the run's settings.

    Sections that somebody added to the view stay; the report is written anew.

    Raises:
        ConfigError: the run logs nothing to W&B, or there is no key.
        DataError: `dashboard.json` is damaged.
        InputError: W&B is not reached, or refuses.
        StorageError: the folder cannot be read or written.
    """
    if run.tracking.wandb == "disabled":
        raise ConfigError("tracking.wandb", "disabled, so that W&B has nothing to show", "set it to offline or online")
    file = storage.join(folder, "dashboard.json")
    kept = _read(file)
    with _explained(file if kept else None):
        entity, project = _opened(run)
        if kept is None or kept.project != project:
            kept = Published(project=project)
        kept = _with_report(kept, run, entity)
        storage.write_text(file, kept.model_dump_json(indent=1))  # now, lest what follows fails and it is made twice
        kept = _with_view(kept, run, entity)
        storage.write_text(file, kept.model_dump_json(indent=1))
    return kept


def _opened(run: schema.Run) -> tuple[str, str]:
    """Who owns the run's W&B project, and its URL."""
    os.environ.setdefault("WANDB_HTTP_TIMEOUT", str(PATIENCE))
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # else its telemetry complains of a server that is away
    wandb.setup(wandb.Settings(silent=True, console="off"))
    log_in()
    api = wandb.Api()
    entity: str = run.tracking.entity or api.settings["entity"] or api.default_entity or ""  # as the runs' own
    return entity, f"{api.settings['base_url']}/{entity}/{run.tracking.project}"


def _server() -> str:
    return str(wandb.setup().settings.base_url)


def _with_report(kept: Published, run: schema.Run, entity: str) -> Published:
    report = dashboard.report(run, entity)
    report.id = kept.report_id
    report.save()  # makes the project as well
    return kept.model_copy(update={"report_id": report.id, "report": report.url})


def _with_view(kept: Published, run: schema.Run, entity: str) -> Published:
    made = dashboard.workspace(run, entity)
    view = ws.Workspace.from_url(kept.view) if kept.view else made
    own = {section.title for section in dashboard.SECTIONS}
    view.sections = [*made.sections, *(section for section in view.sections if section.name not in own)]
    view.save()
    return kept.model_copy(update={"view": view.url})


def _read(file: str) -> Published | None:
    if not storage.exists(file):
        return None
    try:
        return Published.model_validate_json(storage.read_bytes(file))
    except ValidationError as error:
        remedy = "delete it, and the same command makes a new dashboard"
        raise DataError(file, f"not what `berth dashboard` wrote: {error.errors()[0]['msg']}", remedy) from error


@contextlib.contextmanager
def _explained(file: str | None) -> Generator[None]:
    """Turns whatever the library raises into one line; `file` says of pages that may have been deleted meanwhile."""
    try:
        yield
    except BerthError:
        raise
    except Exception as error:
        remedy = "check the network, WANDB_BASE_URL and the key"
        if file:
            remedy += f"; if the pages were deleted there, delete {file}, and new ones are made"
        raise InputError(_server(), f"W&B takes no dashboard ({_said(error)})", remedy) from error
    finally:
        _end()


def _said(error: Exception) -> str:
    """In one line; the library tells of silence as of a busy process on this machine."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, TimeoutError):
        cause = cause.__cause__ or cause.__context__
    if cause is not None:
        return f"no answer within {os.environ['WANDB_HTTP_TIMEOUT']} s"
    return str(error).strip().split("\n", 1)[0] or type(error).__name__


def _end() -> None:
    """End wandb-core, which ends with this process at the latest. W&B waits for it without a limit, and after a request
    that was given up wandb-core now and then does not hear of its end (2 times of 60, wandb 0.31).
    """
    ending = threading.Thread(target=wandb.teardown, daemon=True)
    ending.start()
    ending.join(_GRACE)
