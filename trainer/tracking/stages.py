"""What a stage left in its folder, read for the report.

In: `history.jsonl`, `result.json` and `answers.json` below the stage's folder, any of which may not be there yet. Out:
a `Stage` with its curves. A stage that was restarted may have logged a step twice; the later record counts.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from trainer import storage
from trainer.config import schema
from trainer.errors import DataError
from trainer.tracking.answers import Answers
from trainer.tracking.charts import Points

Parsed = TypeVar("Parsed")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Result(_Record):
    """What a finished stage says of itself."""

    kind: Literal["pretrain", "squad"]
    steps: int
    seconds: float
    """Spent training, over all restarts."""
    workers: int
    samples: int
    tokens: int
    parameters: int
    finished: datetime
    metrics: dict[str, float]

    @property
    def version_2(self) -> bool:
        """Whether some of the questions have no answer."""
        return self.score("NoAns_exact") is not None

    def score(self, name: str) -> float | None:
        """A SQuAD metric in percent, by its official name."""
        return self.metrics.get(f"squad/{name}")


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the run as it stands now."""

    settings: schema.Pretrain | schema.Squad
    history: Mapping[int, Mapping[str, float]]
    """Step -> metrics, in the order of the steps."""
    result: Result | None
    answers: Answers
    files: tuple[str, ...]
    """Names in the stage's folder."""

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def last_step(self) -> int:
        return self.result.steps if self.result else max(self.history, default=0)

    @property
    def seconds(self) -> float:
        """Spent training so far."""
        return (
            self.result.seconds
            if self.result
            else max((record.get("seconds", 0) for record in self.history.values()), default=0)
        )

    @property
    def worker_seconds(self) -> float:
        """What it cost: the seconds of each worker in training, all taken together."""
        points = [(record.get("seconds", 0.0), record.get("train/world_size", 0.0)) for record in self.history.values()]
        return sum((end - begin) * workers for (begin, _), (end, workers) in pairwise([(0.0, 0.0), *points]))

    def curve(self, metric: str) -> Points:
        """The metric's finite values, (n, 2) as step, value."""
        points = [
            (step, record[metric])
            for step, record in self.history.items()
            if math.isfinite(record.get(metric, math.nan))
        ]
        return np.array(points, dtype=np.float64).reshape(-1, 2)


def read_result(uri: str) -> Result:
    """Read a finished stage's result.json.

    Raises:
        DataError: it holds something else.
    """
    return _parsed(TypeAdapter(Result), uri)


def read_stage(settings: schema.Pretrain | schema.Squad, folder_uri: str) -> Stage:
    """Read what is there of a stage.

    Raises:
        DataError: a file is there and holds something else.
    """
    files = tuple(storage.names(folder_uri))
    result = None
    if "result.json" in files:
        result = read_result(storage.join(folder_uri, "result.json"))
    history = _history(storage.join(folder_uri, "history.jsonl")) if "history.jsonl" in files else {}
    return Stage(settings, history, result, read_answers(folder_uri), files)


def read_answers(folder_uri: str) -> Answers:
    """The answers of a SQuAD stage; none of another one.

    Raises:
        DataError: the file is there and holds something else.
    """
    uri = storage.join(folder_uri, "answers.json")
    return _parsed(TypeAdapter(Answers), uri) if storage.exists(uri) else Answers()


def _history(uri: str) -> dict[int, dict[str, float]]:
    steps: dict[int, dict[str, float]] = {}
    for line in storage.read_text(uri).splitlines():
        try:
            record: dict[str, Any] = json.loads(line)
        except ValueError:
            continue  # a line that a killed process left half-written
        numbers = {name: float(value) for name, value in record.items() if isinstance(value, int | float)}
        steps.setdefault(int(record["step"]), {}).update(numbers)
    return dict(sorted(steps.items()))


def _parsed(adapter: TypeAdapter[Parsed], uri: str) -> Parsed:
    try:
        return adapter.validate_json(storage.read_bytes(uri))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise DataError(
            uri, f"{where}: {first['msg']}", "delete the stage's folder and run the same command again"
        ) from error
