"""Tokenized documents -> Arrow IPC files.

A row is a document: its token ids, all sentences one after the other, and the lengths of its sentences. A shard is one
record batch without compression, so that `corpus` can map it and read a document as two slices, without a copy.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from trainer import storage
from trainer.data.manifest import Shard, SplitName, Totals

_SHARD_TOKENS = 1 << 25
"""A shard ends here even if it has not all its documents yet, so that whole books do not fill the memory."""


class Document(NamedTuple):
    """Token ids (T,) without special pieces, and the lengths (S,) of the sentences that they are; sum(lengths) = T."""

    tokens: NDArray[np.unsignedinteger[Any]]
    sentence_lengths: NDArray[np.uint16]


class SplitWriter:
    """Gathers the documents of a split, writes them to the folder `uri` shard by shard and counts what it writes."""

    def __init__(self, uri: str, split: SplitName, documents_per_shard: int, vocab_size: int) -> None:
        self.shards: list[Shard] = []
        self.token_counts = np.zeros(vocab_size, np.int64)
        self._uri = uri
        self._split: SplitName = split
        self._documents_per_shard = documents_per_shard
        self._dtype = np.uint16 if vocab_size <= 1 << 16 else np.uint32
        self._waiting: list[Document] = []
        self._waiting_tokens = 0

    def add(self, document: Document) -> None:
        self._waiting.append(Document(document.tokens.astype(self._dtype), document.sentence_lengths))
        self._waiting_tokens += document.tokens.size
        if len(self._waiting) == self._documents_per_shard or self._waiting_tokens >= _SHARD_TOKENS:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting; called once more at the end."""
        if self._waiting:
            name = f"{self._split}-{len(self.shards):05d}.arrow"
            self.shards.append(write_shard(self._uri, name, self._split, self._waiting))
            for document in self._waiting:
                np.add.at(self.token_counts, document.tokens, 1)
            self._waiting, self._waiting_tokens = [], 0

    @property
    def totals(self) -> Totals:
        """Of the shards that are written."""
        return Totals(
            documents=sum(shard.documents for shard in self.shards),
            sentences=sum(shard.sentences for shard in self.shards),
            tokens=sum(shard.tokens for shard in self.shards),
        )


def write_shard(uri: str, name: str, split: SplitName, documents: Sequence[Document]) -> Shard:
    """Write `documents` to the folder `uri` as one file, whole or not at all."""
    columns = {
        "tokens": _list_array([document.tokens for document in documents]),
        "sentence_lengths": _list_array([document.sentence_lengths for document in documents]),
    }
    batch = pa.record_batch(columns)
    with storage.new_file(storage.join(uri, name)) as path:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)
        size = path.stat().st_size
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return Shard(
        name=name,
        split=split,
        documents=len(documents),
        sentences=sum(document.sentence_lengths.size for document in documents),
        tokens=sum(document.tokens.size for document in documents),
        bytes=size,
        sha256=digest,
    )


def _list_array(rows: Sequence[NDArray[Any]]) -> Any:
    offsets = np.cumsum([0, *(row.size for row in rows)], dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate(rows)))
