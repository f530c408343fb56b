"""Tokenized documents -> Arrow IPC files.

A row is a document: its token ids, all sentences one after the other, and the lengths of its sentences. A shard is one
record batch without compression, so that `corpus` can map it and read a document as two slices, without a copy. Its
schema notes what it was made from, and everything else that is told of a shard is read from the file: one that an
interrupted preparation finished is as good as a new one.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from trainer import storage
from trainer.data.manifest import Settings, Shard, SplitName

_NOTES = b"berth"
_COUNTED_AT_ONCE = 1 << 20


class Document(NamedTuple):
    """Token ids (T,) without special pieces, and the lengths (S,) of the sentences that they are; sum(lengths) = T."""

    tokens: NDArray[np.unsignedinteger[Any]]
    sentence_lengths: NDArray[np.uint16]


class Place(NamedTuple):
    """Which shard it is: number `number` of its split, of the text of source `source`."""

    split: SplitName
    number: int
    source: int

    @property
    def name(self) -> str:
        """The file's."""
        return f"{self.split}-{self.number:05d}.arrow"


class Notes(NamedTuple):
    """What is written in a shard about how it was made."""

    made_from: str
    """Stands for the text and all settings that shaped the shard."""
    left_out: dict[str, int]
    """Why documents were left out -> how many."""
    unknown_words: dict[str, int]
    """Words that became [UNK], the most frequent ones -> how often they were met."""


class Counted(NamedTuple):
    """A shard, how often each token (V,) is in it, and its notes."""

    shard: Shard
    token_counts: NDArray[np.int64]
    notes: Notes


def write_shard(uri: str, place: Place, documents: Iterable[Document], *, vocab_size: int, notes: Notes) -> Counted:
    """Write `documents` to the folder `uri` as one file, whole or not at all."""
    dtype = id_type(vocab_size)
    rows = [Document(document.tokens.astype(dtype), document.sentence_lengths) for document in documents]
    columns = {
        "tokens": _joined([row.tokens for row in rows], dtype),
        "sentence_lengths": _joined([row.sentence_lengths for row in rows], np.uint16),
    }
    return write_columns(uri, place, columns, vocab_size=vocab_size, notes=notes)


def write_columns(uri: str, place: Place, columns: dict[str, Any], *, vocab_size: int, notes: Notes) -> Counted:
    """Write an Arrow file of one record batch to the folder `uri`, whole or not at all."""
    batch = pa.record_batch(columns).replace_schema_metadata({_NOTES: json.dumps(notes._asdict(), ensure_ascii=False)})
    with storage.new_file(storage.join(uri, place.name)) as path:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)
        return _counted(path.read_bytes(), place, vocab_size)


def made_from(settings: Settings, sha256: str) -> str:
    """What stands for the text with that hash and all settings that shape a shard."""
    return hashlib.sha256(f"{json.dumps(settings, sort_keys=True)} {sha256}".encode()).hexdigest()


def id_type(vocab_size: int) -> Any:
    """Of token ids in a shard."""
    return np.uint16 if vocab_size <= 1 << 16 else np.uint32


def _notes_of(data: bytes) -> Notes | None:
    """The notes in a shard; None if it is not one."""
    try:
        return Notes(**json.loads((pa.ipc.open_file(data).schema.metadata or {})[_NOTES]))
    except (pa.ArrowException, KeyError, ValueError, TypeError):
        return None


def finished_shard(uri: str, place: Place, *, vocab_size: int, made_from: str) -> Counted | None:
    """The shard that is there already; None if there is none, or it was made from something else."""
    where = storage.join(uri, place.name)
    if not storage.exists(where):
        return None
    data = storage.read_bytes(where)
    notes = _notes_of(data)
    return _counted(data, place, vocab_size) if notes and notes.made_from == made_from else None


def _counted(data: bytes, place: Place, vocab_size: int) -> Counted:
    """Describe a shard, from what is in the file."""
    batch = pa.ipc.open_file(data).get_batch(0)
    documents, sentences, tokens = counts_of(batch)
    notes = _notes_of(data)
    assert notes is not None
    shard = Shard(
        name=place.name,
        split=place.split,
        source=place.source,
        documents=documents,
        sentences=sentences,
        tokens=tokens,
        longest=int(np.diff(_values(batch.column("tokens").offsets)).max(initial=0)),
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    ids = _values(batch.column("tokens").values)
    counts = np.zeros(vocab_size, np.int64)
    for start in range(0, tokens, _COUNTED_AT_ONCE):  # bincount widens what it counts to 64 bits
        counts += np.bincount(ids[start : start + _COUNTED_AT_ONCE], minlength=vocab_size)
    return Counted(shard, counts, notes)


def counts_of(batch: Any) -> tuple[int, int, int]:
    """The rows, sentences and tokens in a shard; one of instances has no sentences."""
    sentences = len(batch.column("sentence_lengths").values) if "sentence_lengths" in batch.schema.names else 0
    return batch.num_rows, sentences, len(batch.column("tokens").values)


def lists(values: NDArray[Any], lengths: Any) -> Any:
    """A column of lists: their values, one after the other, and how many are in each."""
    offsets = np.append(0, np.cumsum(lengths)).astype(np.int32)
    return pa.ListArray.from_arrays(_array(offsets), _array(values))


def _joined(rows: Sequence[NDArray[Any]], dtype: Any) -> Any:
    return lists(np.concatenate([np.empty(0, dtype), *rows]), [row.size for row in rows])


def _values(array: Any) -> NDArray[np.unsignedinteger[Any]]:
    """An array of unsigned integers, without a copy; not `to_numpy`, for the reason that `_array` gives."""
    dtype = np.dtype(f"u{array.type.bit_width // 8}")
    return np.frombuffer(array.buffers()[1], dtype, len(array), array.offset * dtype.itemsize)


def _array(values: NDArray[Any]) -> Any:
    """Not `pa.array`, which loads pandas to see whether it gets something of it: a second, in every process."""
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), values.size, [None, pa.py_buffer(values)])
