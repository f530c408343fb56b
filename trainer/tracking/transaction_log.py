"""What W&B writes of a run to disk, `run-<id>.wandb`: read, and written again with less in it.

It is LevelDB's log format with protobuf messages: 7 bytes of header, then blocks of 32 KiB, the first one with the
header in it, full of chunks; a message is one chunk or several, and no chunk crosses a block. W&B took its own reader
out of the Python package.
"""

import struct
import zlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from math import inf
from typing import Any

from wandb.proto import wandb_internal_pb2

_HEADER = b":W&B\xe1\xbe\x00"
"""Name, magic number and version."""
_BLOCK = 32 << 10
_CHUNK = struct.Struct("<IHB")
"""What precedes the data of a chunk: CRC-32 of kind and data, length, kind."""
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_KINDS = {(True, True): _FULL, (True, False): _FIRST, (False, False): _MIDDLE, (False, True): _LAST}
"""By whether a chunk is the first one of its message, and whether it is the last."""


@dataclass(frozen=True, slots=True)
class TransactionLog:
    """The messages of a file that are whole: it may be cut short, or torn where its disk was full."""

    messages: tuple[Any, ...]
    """`wandb_internal.Record`, a class that is made as it is imported."""

    @classmethod
    def of(cls, data: bytes) -> "TransactionLog":
        return cls(tuple(_messages(data)))

    @property
    def run(self) -> Any:
        """The W&B run: `entity`, `project`, `run_id`; None where the file was torn before it."""
        return next((message.run for message in self.messages if message.HasField("run")), None)

    @property
    def steps(self) -> set[int]:
        """Of the rows of its history."""
        return {message.history.step.num for message in self.messages if message.HasField("history")}

    @property
    def first_step(self) -> float:
        """Infinite as long as there is none."""
        return min(self.steps, default=inf)

    @property
    def began(self) -> bool:
        """Whether `wandb.init` came to its end; the first that a tracker says after that is what its metrics are."""
        return any(message.HasField("metric") for message in self.messages)

    @property
    def ended(self) -> bool:
        """Whether the run was finished; if not, it goes on or was killed."""
        return any(message.HasField("exit") for message in self.messages)

    def with_steps(self, steps: Collection[int]) -> bytes:
        """The file with only these rows of the history, and with one end: W&B writes two where it was given up."""
        last_end = next((each for each in reversed(self.messages) if each.HasField("exit")), None)
        kept = (
            each
            for each in self.messages
            if (not each.HasField("history") or each.history.step.num in steps)
            and (not each.HasField("exit") or each is last_end)
        )
        return _written(each.SerializeToString() for each in kept)


def _messages(data: bytes) -> Iterator[Any]:
    parts: list[bytes] | None = None
    for kind, chunk in _chunks(data):
        if kind in (_FULL, _FIRST):
            parts = []
        if parts is None or kind not in _KINDS.values():  # something before it is lost
            parts = None
            continue
        parts.append(chunk)
        if kind in (_FULL, _LAST):
            yield wandb_internal_pb2.Record.FromString(b"".join(parts))  # pyright: ignore[reportAttributeAccessIssue]
            parts = None


def _chunks(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and data of each; for a damaged one kind 0, and the next block comes next."""
    position = len(_HEADER) if data.startswith(_HEADER) else len(data)
    while position + _CHUNK.size <= len(data):
        room = _BLOCK - position % _BLOCK
        if room < _CHUNK.size:
            position += room
            continue
        _, length, kind = _CHUNK.unpack_from(data, position)
        end = position + _CHUNK.size + length
        chunk = data[position + _CHUNK.size : end]
        if data[position:end] == _chunk(kind, chunk):
            yield kind, chunk
            position = end
        else:
            yield 0, b""
            position += room


def _written(messages: Iterable[bytes]) -> bytes:
    data = bytearray(_HEADER)
    for message in messages:
        rest, first = message, True
        while first or rest:
            room = _BLOCK - len(data) % _BLOCK - _CHUNK.size
            if room < 0:
                data += bytes(room + _CHUNK.size)
                continue
            chunk, rest = rest[:room], rest[room:]
            data += _chunk(_KINDS[first, not rest], chunk)
            first = False
    return bytes(data)


def _chunk(kind: int, data: bytes) -> bytes:
    return _CHUNK.pack(zlib.crc32(data, zlib.crc32(bytes([kind]))), len(data), kind) + data
