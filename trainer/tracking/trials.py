"""The summary of a sweep, `trials.json` in the run's folder: what several seeds and learning rates of a stage reached.

A learning rate is judged by the mean over its seeds. Scores are in percent.
"""

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from trainer import storage
from trainer.errors import DataError


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Estimate(_Record):
    """EM or F1 at one learning rate."""

    mean: float
    deviation: float | None
    """Of a sample of seeds; None with one seed."""
    best: float
    low: float
    """With `high`: the mean's 95 % interval, by bootstrap over the questions."""
    high: float


class Rate(_Record):
    """The trials at one learning rate."""

    learning_rate: float
    seeds: tuple[int, ...]
    best: str
    """The trial of the highest F1, by the name of its folder."""
    exact: Estimate
    f1: Estimate


class Sweep(_Record):
    """The trials of one SQuAD entry of the run."""

    stage: str
    version_2: bool
    questions: int
    """In the file that all of them were scored on."""
    resamples: int
    """Of the bootstrap."""
    rates: tuple[Rate, ...]


_SWEEPS = TypeAdapter(tuple[Sweep, ...])


def write(folder_uri: str, sweeps: tuple[Sweep, ...]) -> None:
    """Write `trials.json` into a run's folder."""
    storage.write_bytes(_file(folder_uri), _SWEEPS.dump_json(sweeps, indent=1))


def read(folder_uri: str) -> tuple[Sweep, ...]:
    """The sweeps of a run; empty where none is finished.

    Raises:
        DataError: the file is damaged.
    """
    uri = _file(folder_uri)
    if not storage.exists(uri):
        return ()
    try:
        return _SWEEPS.validate_json(storage.read_bytes(uri))
    except ValidationError as error:
        remedy = "delete it and run the same command again"
        raise DataError(uri, f"no summary of trials: {error.errors()[0]['msg']}", remedy) from error


def _file(folder_uri: str) -> str:
    return storage.join(folder_uri, "trials.json")
