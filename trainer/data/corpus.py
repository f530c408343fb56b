"""A prepared corpus on storage -> any document of it, at once and without a copy.

Shards are memory-mapped (fetched into the node's cache first where they are remote), so all ranks of a node share
their pages. Opening checks names, sizes and rows, which is cheap; the SHA-256 sums in corpus.json are for whoever
doubts the storage.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from trainer import storage
from trainer.data import manifest
from trainer.data.manifest import Manifest, Shard, SplitName
from trainer.data.shards import Document, counts_of
from trainer.errors import DataError


class Corpus:
    """One split of a prepared corpus."""

    def __init__(self, uri: str, split: SplitName) -> None:
        """Map the shards.

        Raises:
            DataError: there is no whole corpus at `uri`, or a shard is missing, cut short or no shard of it.
            StorageError: the storage cannot be read.
        """
        self.manifest = described(uri)
        place = self.manifest.location or uri
        shards = [shard for shard in self.manifest.shards if shard.split == split]
        self.shard_sources = [shard.source for shard in shards]
        self._shards = [_MappedShard(place, shard) for shard in shards]
        self._first_documents = np.cumsum([0, *(len(shard) for shard in self._shards)])

    def __len__(self) -> int:
        """The number of documents."""
        return int(self._first_documents[-1])

    def document(self, number: int) -> Document:
        """Document `number` of the split, as views of the mapped file."""
        shard = int(np.searchsorted(self._first_documents, number, side="right")) - 1
        return self._shards[shard].document(number - int(self._first_documents[shard]))

    def sentence_lengths(self) -> Iterator[tuple[NDArray[np.uint16], NDArray[np.int64]]]:
        """For each shard: the lengths (S,) of its sentences, and where among them (D + 1,) its documents begin."""
        for shard in self._shards:
            yield shard.lengths, shard.sentence_offsets.astype(np.int64)


class _MappedShard:
    def __init__(self, uri: str, shard: Shard) -> None:
        tokens, lengths = mapped(uri, shard, ("tokens", "sentence_lengths"))
        self.tokens, self.token_offsets = flat(tokens)
        self.lengths, self.sentence_offsets = flat(lengths)

    def __len__(self) -> int:
        return self.token_offsets.size - 1

    def document(self, number: int) -> Document:
        start, end = self.token_offsets[number : number + 2]
        first, last = self.sentence_offsets[number : number + 2]
        return Document(self.tokens[start:end], self.lengths[first:last])


def described(uri: str) -> Manifest:
    """The manifest of the corpus in the folder `uri`.

    Raises:
        DataError: there is no whole one.
        StorageError: the storage cannot be read.
    """
    made = storage.join(uri, "corpus.json")
    if not storage.exists(made):
        raise DataError(uri, "there is no prepared corpus", "prepare it first, with `berth prepare`")
    return manifest.read(made, Manifest)


def mapped(uri: str, shard: Shard, names: Sequence[str]) -> list[Any]:
    """The columns of a shard in the folder `uri`, memory-mapped.

    Raises:
        DataError: the shard is missing, cut short or another one.
        StorageError: the storage cannot be read.
    """
    where = storage.join(uri, shard.name)
    remedy = f"delete {uri}; the command that made it makes it again"
    try:
        path = storage.fetch(where)
        size = path.stat().st_size
        if size != shard.bytes:
            raise DataError(where, f"has {size} bytes, and corpus.json says {shard.bytes}", remedy)
        batch = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
        batch.validate()  # that what it says is there lies within the file
        columns = [batch.column(name) for name in names]
        found = counts_of(batch)
    except FileNotFoundError as error:
        raise DataError(where, "the shard is missing", remedy) from error
    except (pa.ArrowException, KeyError, AttributeError) as error:
        raise DataError(where, f"not a shard of a corpus ({error})", remedy) from error
    if found != (shard.documents, shard.sentences, shard.tokens):
        raise DataError(where, f"is another shard: {found[-1]} tokens, and corpus.json says {shard.tokens}", remedy)
    return columns


def flat(column: Any) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """A column of lists as their values, one after the other, and where among them (N + 1,) each begins; no copies."""
    return column.values.to_numpy(zero_copy_only=True), column.offsets.to_numpy(zero_copy_only=True)
