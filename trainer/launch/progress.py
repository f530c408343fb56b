"""How far a run is, read from the lines that its Master prints; see `trainer.runtime.display`."""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

_PART = re.compile(
    r"(?P<part>\S.*?) +(?P<done>[\d,]+)(?:/(?P<total>[\d,]+))?"
    r"(?:  loss (?P<loss>\S+))?(?:  (?P<rate>[\d,]+) tokens/s)?(?:  .*?)??(?: +ETA (?P<minutes>\d+):(?P<seconds>\d\d))?"
)


@dataclass(frozen=True)
class Progress:
    """What a Master's log tells; None is what it does not."""

    stage: str | None = None
    """What the run is at: a stage, or a part of the preparation such as `corpus`."""
    step: int | None = None
    steps: int | None = None
    eta_seconds: int | None = None
    """Until the end of the stage."""
    loss: float | None = None
    tokens_per_second: int | None = None
    workers: int | None = None
    """That train now."""
    waits_for: str | None = None
    """What the Master says that it waits for."""
    failures: int = 0
    """How often workers failed and began again from a checkpoint, as far as the log goes back."""
    last_failure: str | None = None
    checkpoint: int | None = None
    """The step of the stage's last checkpoint."""
    wandb: str | None = None
    """Where the stage is shown."""


def read(lines: Iterable[str]) -> Progress:
    """What the lines of a Master's log tell, the oldest first."""
    progress = Progress()
    for line in lines:
        progress = _after(progress, line)
    return progress


def _after(progress: Progress, line: str) -> Progress:
    for pattern, told in _LINES:
        if found := pattern.fullmatch(line):
            return told(progress, found)
    return progress


def _at(progress: Progress, found: re.Match[str]) -> Progress:
    minutes = found["minutes"]
    return replace(
        progress,
        checkpoint=progress.checkpoint if found["part"] == progress.stage else None,
        stage=found["part"],
        step=_number(found["done"]),
        steps=_number(found["total"]),
        eta_seconds=None if minutes is None else 60 * int(minutes) + int(found["seconds"]),
        loss=_finite(found["loss"]),
        tokens_per_second=_number(found["rate"]),
    )


def _finite(text: str | None) -> float | None:
    return float(text) if text is not None and math.isfinite(float(text)) else None


def _number(text: str | None) -> int | None:
    return None if text is None else int(text.replace(",", ""))


_LINES: tuple[tuple[re.Pattern[str], Callable[[Progress, re.Match[str]], Progress]], ...] = (
    (
        re.compile(r"starting workers: (\d+)"),
        lambda progress, found: replace(progress, workers=int(found[1]), waits_for=None),
    ),
    (
        re.compile(r"waiting for nodes: .*|stopping at the next step.*|nodes have come or gone: .*"),
        lambda progress, found: replace(progress, waits_for=found[0]),
    ),
    (
        re.compile(r"warning: (.*); the workers start again from the last checkpoint"),
        lambda progress, found: replace(
            progress, failures=progress.failures + 1, last_failure=found[1], workers=0, eta_seconds=None
        ),
    ),
    (re.compile(r"checkpoint: step (\d+)"), lambda progress, found: replace(progress, checkpoint=int(found[1]))),
    (re.compile(r"W&B: (\S+)"), lambda progress, found: replace(progress, wandb=found[1])),
    (_PART, _at),
)
