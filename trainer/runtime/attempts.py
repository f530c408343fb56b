"""What a run remembers of its attempts, on storage: when it began, how many groups of workers it had, and how often it
failed without getting further.

A driver that is killed cannot count itself; the next one finds the record still open and counts it. So a run that kills
its own pod at every start ends after `limits.max_failures` like one whose workers crash.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict, ValidationError

from trainer import storage
from trainer.config.schema import Run
from trainer.engine.checkpoint import newest
from trainer.engine.folder import RunFolder
from trainer.runtime.wall_clock import Look, WallClock


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid")

    began: datetime
    open: bool = False
    """Whether a driver is at work, or was and could not say goodbye."""
    failures: int = 0
    reached: str = ""
    """The newest checkpoint at the last failure."""
    groups: int = 0
    """Groups of workers that began to train."""
    clock: Look | None = None
    """By which `began` is right."""


class Attempts:
    """The record of a run; `began` and what follows is written at once."""

    def __init__(self, run: Run, folder: RunFolder, clock: Callable[[Look | None], WallClock] = WallClock) -> None:
        self._run = run
        self._folder = folder
        self._uri = storage.join(folder.uri, "attempts.json")
        self._minutes = run.checkpoint.patience_minutes
        self._record = storage.patiently(self._read, self._minutes)
        self._clock = clock(self._record.clock)

    def begin(self) -> bool:
        """Open the record; False where that makes one failure too many."""
        within = self.fail() if self._record.open else True
        self._record.open = True
        self._write()
        return within

    def fail(self) -> bool:
        """Count a failure; False where that is one too many without a new checkpoint."""
        reached = storage.patiently(lambda: _reached(self._run, self._folder), self._minutes)
        if reached != self._record.reached:
            self._record.failures = 0
        self._record.failures += 1
        self._record.reached = reached
        self._write()
        return self._record.failures <= self._run.limits.max_failures

    def end(self) -> None:
        """Close the record: whoever starts the run again does so knowingly, and all attempts are there again."""
        self._record.open = False
        self._record.failures = 0
        self._write()

    def regroup(self) -> int:
        """Count a group of workers that begins; how many there were before it, over all drivers."""
        self._record.groups += 1
        self._write()
        return self._record.groups - 1

    @property
    def groups(self) -> int:
        """Groups of workers that began to train, over all drivers."""
        return self._record.groups

    def late(self) -> bool:
        """Whether the deadline is over; a clock that is set meanwhile brings it no nearer and moves it no further."""
        if jump := self._clock.jump():
            self._record.began += jump
            self._write()
        return self.deadline is not None and datetime.now(UTC) >= self.deadline

    @property
    def deadline(self) -> datetime | None:
        hours = self._run.limits.deadline_hours
        return None if hours is None else self._record.began + timedelta(hours=hours)

    def _read(self) -> _Record:
        if storage.exists(self._uri):
            try:
                return _Record.model_validate_json(storage.read_bytes(self._uri))
            except ValidationError:
                pass  # of another version, or damaged: only a count is lost
        return _Record(began=datetime.now(UTC))

    def _write(self) -> None:
        self._record.clock = self._clock.seen
        storage.patiently(lambda: storage.write_text(self._uri, self._record.model_dump_json()), self._minutes)


def _reached(run: Run, folder: RunFolder) -> str:
    """How far the run is: its finished stages, and the newest checkpoint of the one after them."""
    done = 0
    while done < len(run.stages) and storage.exists(folder.result(run.stages[done].name)):
        done += 1
    checkpoint = newest(folder.checkpoints(run.stages[done].name)) if done < len(run.stages) else None
    return f"{done} stages, {checkpoint or 'no checkpoint'}"
