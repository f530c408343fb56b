"""The notice board between the driver and one group of workers: a small Ray actor.

Workers pin progress, warnings, final errors and signs of life on it; the driver reads them, shows them, and pins the
wish to stop. No training step waits for it.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from trainer.errors import BerthError
from trainer.runtime.heartbeat import Sign
from trainer.tracking.tracker import Outcome


@dataclass(frozen=True, slots=True)
class Progress:
    """A stage has come so far."""

    stage: str
    step: int
    steps: int
    record: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Note:
    """Something a person may read."""

    text: str


@dataclass(frozen=True, slots=True)
class Detail:
    """Something for the log, which `berth status` reads."""

    text: str


@dataclass(frozen=True, slots=True)
class Message:
    """Something a person should read."""

    text: str


@dataclass(frozen=True, slots=True)
class Failure:
    """An error that no restart mends."""

    error: BerthError


Notice = Progress | Note | Detail | Message | Failure

BoardHandle = Any
"""What `Board.remote()` gives; Ray does not type the methods of its handles."""


@ray.remote(num_cpus=0)
class Board:
    """Keeps what was pinned until the driver takes it."""

    def __init__(self) -> None:
        self._notices: list[Notice] = []
        self._signs: dict[int, Sign] = {}
        self._stop = False

    def pin(self, notice: Notice) -> None:
        self._notices.append(notice)

    def give(self, sign: Sign) -> None:
        self._signs[sign.rank] = sign

    def signs(self) -> list[Sign]:
        """The newest of each worker."""
        return list(self._signs.values())

    def take(self) -> list[Notice]:
        notices, self._notices = self._notices, []
        return notices

    def stop(self) -> None:
        self._stop = True

    def stopping(self) -> bool:
        return self._stop


def put_up() -> BoardHandle:
    """A board on this very node, so that no other node takes it along when it leaves."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return Board.options(scheduling_strategy=here).remote()  # pyright: ignore[reportFunctionMemberAccess]


class StopSign:
    """Asks the board now and then whether to stop; never waits for its answer."""

    def __init__(self, board: BoardHandle, every: float = 0.5) -> None:
        self._board = board
        self._every = every
        self._asked_at = 0.0
        self._answer: Any = None
        self._stop = False

    def __call__(self) -> bool:
        if self._answer is not None and ray.wait([self._answer], timeout=0)[0]:
            self._stop = bool(ray.get(self._answer))
            self._answer = None
        if self._answer is None and time.monotonic() - self._asked_at >= self._every:
            self._asked_at = time.monotonic()
            self._answer = self._board.stopping.remote()
        return self._stop


class BoardTracker:
    """Shows each point of the curves as progress."""

    def __init__(self, board: BoardHandle, stage: str, steps: int) -> None:
        self._board = board
        self._stage = stage
        self._steps = steps

    def log(self, record: Mapping[str, float], step: int) -> None:
        self._board.pin.remote(Progress(self._stage, step, self._steps, dict(record)))

    def finish(self, summary: Mapping[str, float], outcome: Outcome | None = None) -> None:
        """Nothing: the driver reads the result from the stage's folder."""


class BoardHandler(logging.Handler):
    """Carries the warnings of a worker to the driver's screen, and to its log the rest that is told."""

    def __init__(self, board: BoardHandle) -> None:
        super().__init__(logging.INFO)
        self._board = board

    def emit(self, record: logging.LogRecord) -> None:
        kind = Message if record.levelno >= logging.WARNING else Detail
        self._board.pin.remote(kind(record.getMessage()))
