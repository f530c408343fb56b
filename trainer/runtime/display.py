"""Progress for people: bars with an ETA on a terminal, plain lines in a log."""

import json
import math
import time
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from trainer.config.redaction import without_credentials
from trainer.tracking import formatting

LINE_EVERY = 10.0
"""Seconds between two lines of one stage in a log."""


class Display:
    """Shows how far each part of a run is. Use as a context manager around the work."""

    def __init__(self, console: Console, *, json_lines: bool = False) -> None:
        """`json_lines`: print the points of the curves as JSON, too."""
        self._console = console
        self._json_lines = json_lines
        self._progress = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("ETA"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}
        self._line_at: dict[str, float] = {}

    def __enter__(self) -> "Display":
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._progress.stop()

    def show(self, part: str, done: int, total: int | None, note: str = "") -> None:
        """`done` of `total` of a part; a total of None is not known yet."""
        if part not in self._tasks:
            self._tasks[part] = self._progress.add_task(part, total=total, note=note)
        self._progress.update(self._tasks[part], completed=done, total=total, note=note)
        if not self._console.is_terminal:
            self._line(part, done, total, note)

    def training(self, stage: str, step: int, steps: int, record: Mapping[str, float]) -> None:
        """A point of a stage's curves."""
        note = f"loss {record['train/loss']:.3f}"
        if "train/tokens_per_second" in record:
            note += f"  {record['train/tokens_per_second']:,.0f} tokens/s"
        if "train/world_size" in record:
            note += f"  {formatting.workers(record['train/world_size'])}"
        self.show(stage, step, steps, note)
        if self._json_lines:
            self.say(json.dumps({"stage": stage, "steps": steps} | {name: _finite(record[name]) for name in record}))

    def say(self, text: str) -> None:
        self._console.print(without_credentials(text), highlight=False, markup=False, soft_wrap=True)

    def log(self, text: str) -> None:
        """Say it in a log; a terminal has its bars."""
        if not self._console.is_terminal:
            self.say(text)

    def _line(self, part: str, done: int, total: int | None, note: str) -> None:
        now = time.monotonic()
        finished = done == total
        if not finished and now - self._line_at.get(part, -LINE_EVERY) < LINE_EVERY:
            return
        self._line_at[part] = now
        left = self._progress.tasks[self._tasks[part]].time_remaining
        eta = f"  ETA {int(left) // 60}:{int(left) % 60:02d}" if left and not finished else ""
        of = f"{done:,}" if total is None else f"{done:,}/{total:,}"
        self.say(f"{part:<12} {of}  {note}{eta}".rstrip())


def _finite(value: float) -> float | None:
    """JSON knows no other number."""
    return value if math.isfinite(value) else None
