"""`berth report`: a run's page as the run stands now, or one page for several runs."""

from pathlib import Path

from trainer import storage
from trainer.config.load import load, parse
from trainer.config.schema import Run
from trainer.engine.folder import RunFolder
from trainer.errors import ConfigError
from trainer.tracking.comparing import MOST_RUNS, write_comparison
from trainer.tracking.report import write_report


def report(source: str) -> str:
    """Write a run's `report.html` anew and return its URI.

    Raises:
        ConfigError: there is no such run.
        DataError: a file of the run holds something else than it should.
        StorageError: its folder cannot be read or written.
    """
    return write_report(*opened(source))


def compare(sources: tuple[str, ...], page: str) -> str:
    """Write a page on several runs and return where it lies.

    Raises:
        ConfigError: one of them is none, or they are too many.
        DataError, StorageError: as `report`.
    """
    if len(sources) > MOST_RUNS:
        raise ConfigError("RUN", f"{len(sources)} runs on one page", f"give at most {MOST_RUNS}")
    uri = storage.absolute(page)
    write_comparison([opened(source) for source in sources], uri)
    return uri


def opened(source: str) -> tuple[Run, str]:
    """A run and its folder, by its YAML, by its recipe's name, or by the folder itself.

    Raises:
        ConfigError: it is none of them, or nothing of the run is there yet.
    """
    if Path(source).is_dir() or "://" in source:
        folder = storage.absolute(source)
        config = storage.join(folder, "run.yaml")
        if not storage.exists(config):
            raise ConfigError(source, "no folder of a run, run.yaml is not there", "give the folder that a run made")
        return parse(storage.read_text(config), config), folder
    run = load(source)
    folder = RunFolder.of(run)
    if not storage.exists(folder.config):
        raise ConfigError(source, f"{folder.uri} is not there", "start the run first, or give its folder")
    return run, folder.uri
