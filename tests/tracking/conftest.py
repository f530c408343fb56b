"""What W&B wrote to disk, for tests to look at."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from trainer.tracking.transaction_log import TransactionLog


@dataclass
class Recorded:
    """What one offline file holds."""

    run: Any = None
    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    metrics: list[Any] = field(default_factory=list)
    alerts: list[Any] = field(default_factory=list)
    artifacts: list[Any] = field(default_factory=list)
    exit_code: int | None = None


@pytest.fixture
def recordings() -> Callable[[Path], list[Recorded]]:
    """All offline records below a tracker's folder, oldest first."""
    return lambda folder: [record_of(path) for path in sorted(folder.glob("wandb/offline-run-*/run-*.wandb"))]


def record_of(path: Path) -> Recorded:
    """What an offline file holds."""
    recorded = Recorded()
    for record in TransactionLog.of(path.read_bytes()).messages:
        kind = record.WhichOneof("record_type")
        if kind == "run":
            recorded.run = record.run
            recorded.config |= {item.key: json.loads(item.value_json) for item in record.run.config.update}
        elif kind == "history":
            recorded.history.append(_items(record.history.item))
        elif kind == "summary":
            recorded.summary |= _items(record.summary.update)
        elif kind == "metric":
            recorded.metrics.append(record.metric)
        elif kind == "alert":
            recorded.alerts.append(record.alert)
        elif kind == "artifact":
            recorded.artifacts.append(record.artifact)
        elif kind == "exit":
            recorded.exit_code = record.exit.exit_code
    return recorded


def _items(items: Any) -> dict[str, Any]:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}
