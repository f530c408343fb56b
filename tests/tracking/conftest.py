"""A reader for offline W&B files: 7 bytes of header, then LevelDB's log format with protobuf records.

W&B took its own reader out of the Python package. The checksums are not looked at.
"""

import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from wandb.proto.wandb_internal_pb2 import Record

BLOCK = 32768
HEADER = struct.Struct("<IHB")
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


@dataclass
class Recorded:
    """What one offline file holds."""

    run: Any = None
    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    metrics: list[Any] = field(default_factory=list)
    exit_code: int | None = None


@pytest.fixture
def recordings() -> Callable[[Path], list[Recorded]]:
    """All offline records below a tracker's folder, oldest first."""
    return lambda folder: [_read(path) for path in sorted(folder.glob("wandb/offline-run-*/run-*.wandb"))]


def _read(path: Path) -> Recorded:
    recorded = Recorded()
    for payload in _payloads(path.read_bytes()):
        record = Record.FromString(payload)
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
        elif kind == "exit":
            recorded.exit_code = record.exit.exit_code
    return recorded


def _items(items: Any) -> dict[str, Any]:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


def _payloads(data: bytes) -> Iterator[bytes]:
    assert data.startswith(b":W&B")
    position, parts = HEADER.size, []
    while position + HEADER.size <= len(data):
        room = BLOCK - position % BLOCK
        if room < HEADER.size:
            position += room
            continue
        _, length, kind = HEADER.unpack_from(data, position)
        position += HEADER.size
        parts.append(data[position : position + length])
        position += length
        if kind in (FULL, LAST):
            yield b"".join(parts)
            parts = []
