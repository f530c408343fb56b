"""Tokenized documents -> Arrow IPC files.

A row is a document: its token ids, all sentences one after the other, and the lengths of its sentences. A shard is one
record batch without compression, so that `corpus` can map it and read a document as two slices, without a copy. Its
schema notes what it was made from, and everything else that is told of a shard is read from the file: one that an
interrupted preparation finished is as good as a new one.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from trainer import storage
from trainer.data.manifest import Shard, SplitName

_MADE_FROM = b"made_from"
_COUNTED_AT_ONCE = 1 << 20


class Document(NamedTuple):
    """Token ids (T,) without special pieces, and the lengths (S,) of the sentences that they are; sum(lengths) = T."""

    tokens: NDArray[np.unsignedinteger[Any]]
    sentence_lengths: NDArray[np.uint16]


class Counted(NamedTuple):
    """A shard, and how often each token (V,) is in it."""

    shard: Shard
    token_counts: NDArray[np.int64]


def write_shard(
    uri: str, name: str, split: SplitName, documents: Iterable[Document], *, vocab_size: int, made_from: str
) -> Counted:
    """Write `documents` to the folder `uri` as one file, whole or not at all; `made_from` is noted in it."""
    dtype = np.uint16 if vocab_size <= 1 << 16 else np.uint32
    rows = [Document(document.tokens.astype(dtype), document.sentence_lengths) for document in documents]
    columns = {
        "tokens": _list_array([row.tokens for row in rows], dtype),
        "sentence_lengths": _list_array([row.sentence_lengths for row in rows], np.uint16),
    }
    batch = pa.record_batch(columns).replace_schema_metadata({_MADE_FROM: made_from})
    with storage.new_file(storage.join(uri, name)) as path:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)
        return _counted(path.read_bytes(), name, split, vocab_size)


def finished_shard(uri: str, name: str, split: SplitName, *, vocab_size: int, made_from: str) -> Counted | None:
    """The shard that is there already; None if it was made from something else."""
    data = storage.read_bytes(storage.join(uri, name))
    try:
        noted = pa.ipc.open_file(data).schema.metadata or {}
    except pa.ArrowException:
        return None
    return _counted(data, name, split, vocab_size) if noted.get(_MADE_FROM) == made_from.encode() else None


def _counted(data: bytes, name: str, split: SplitName, vocab_size: int) -> Counted:
    batch = pa.ipc.open_file(data).get_batch(0)
    tokens = batch.column("tokens").values.to_numpy()
    shard = Shard(
        name=name,
        split=split,
        documents=batch.num_rows,
        sentences=len(batch.column("sentence_lengths").values),
        tokens=tokens.size,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    counts = np.zeros(vocab_size, np.int64)
    for start in range(0, tokens.size, _COUNTED_AT_ONCE):  # bincount widens what it counts to 64 bits
        counts += np.bincount(tokens[start : start + _COUNTED_AT_ONCE], minlength=vocab_size)
    return Counted(shard, counts)


def _list_array(rows: Sequence[NDArray[Any]], dtype: Any) -> Any:
    offsets = np.cumsum([0, *(row.size for row in rows)], dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate([np.empty(0, dtype), *rows])))
