"""Files of instances -> the shards of a part of a corpus, as `data.prepare` makes them of text.

All files are hashed first, and each shard notes the hash: a shard that is there already is known to be of these files.
"""

import hashlib
from collections.abc import Iterator
from functools import partial
from itertools import accumulate, tee
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tokenizers import Tokenizer

from trainer import storage
from trainer.config.corpus import Corpus
from trainer.data import preprocessed, vocab
from trainer.data.corpus_parts import Part
from trainer.data.manifest import SPLITS, PartManifest, Settings, Shard, SplitName
from trainer.data.preprocessed.cutting import Block, Cut, cut
from trainer.data.preprocessed.rows import Vocabulary
from trainer.data.processes import in_order
from trainer.data.progress import Count
from trainer.data.shards import Counted, Notes, Place, finished_shard, made_from, write_columns
from trainer.data.texts import Sources
from trainer.errors import DataError


def make_part(
    corpus: Corpus,
    sources: Sources,
    tokenizer: Tokenizer,
    settings: Settings,
    uri: str,
    *,
    part: Part,
    processes: int,
    count: Count,
) -> PartManifest:
    """Write a part's shards, or find them finished.

    Args:
        corpus: the run's `corpus`; its sources are instances.
        sources: with resolved URIs.
        tokenizer: of the vocabulary that the instances were made with.
        settings: all that shapes the shards beside the files.
        uri: the folder to write to.
        part: which shards to make.
        processes: how many read at once.
        count: told of rows.

    Raises:
        DataError: a file is not what it should be, or of another vocabulary; names file and row.
        StorageError: a file cannot be read, or a shard not written.
    """
    vocabulary = Vocabulary(tuple(vocab.pieces(tokenizer)), vocab.special_ids(tokenizer))
    files = _looked_through(sources, processes, count)
    hashes = hashlib.sha256("\n".join(f"{file.source} {file.sha256}" for file in files).encode()).hexdigest()
    shards = _Shards(uri, vocabulary, made_from(settings, hashes), part)
    cuts, to_read = tee(_to_read(cut(_blocks(files), corpus, shards.is_wanted), count))
    read = in_order(partial(_Reader, sources, vocabulary), to_read, processes)
    for (block, shares), batches in zip(cuts, read, strict=True):
        for share, batch in zip(shares, batches, strict=True):
            shards.add(share.place, batch)
        count.add(block.end - block.start)
    shards.finish()
    return PartManifest(
        settings=settings,
        kind="instances",
        vocab_size=len(vocabulary.pieces),
        unknown_id=vocabulary.special.unk,
        text_sha256=hashes,
        left_out={},
        unknown_words={},
        shards=tuple(shards.made),
        token_counts={split: counts.tolist() for split, counts in shards.token_counts.items()},
    )


class _File(NamedTuple):
    source: int
    uri: str
    sha256: str
    blocks: list[int]


class _Looker:
    """Hashes a file, and finds out how many rows are in it; one for each process."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def __call__(self, file: tuple[int, str]) -> _File:
        source, uri = file
        with storage.fetch(uri).open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        return _File(source, uri, sha256, preprocessed.blocks(self._sources[source][0], uri))


class _Reader:
    """Reads a block and gives its shares; one for each process."""

    def __init__(self, sources: Sources, vocabulary: Vocabulary) -> None:
        self._sources = sources
        self._vocabulary = vocabulary

    def __call__(self, wanted: Cut) -> list[Any]:
        number, file, start, end = wanted.block
        rows = preprocessed.instances(self._sources[number][0], file, start, end, self._vocabulary)
        return [rows.take(pa.array(share.rows)) for share in wanted.shares]


class _Shards:
    """The shards that are being filled, one of each split, and all that are made."""

    def __init__(self, uri: str, vocabulary: Vocabulary, source: str, part: Part) -> None:
        self.made: list[Shard] = []
        self.token_counts: dict[SplitName, NDArray[np.int64]] = {
            split: np.zeros(len(vocabulary.pieces), np.int64) for split in SPLITS
        }
        self._uri = uri
        self._vocabulary = vocabulary
        self._source = source
        self._part = part
        self._filling: dict[SplitName, tuple[Place, list[Any]]] = {}

    def is_wanted(self, place: Place) -> bool:
        """Whether the rows of a shard are to be read: it is the part's and not finished."""
        if not self._part.makes(place.number):
            return False
        size = len(self._vocabulary.pieces)
        before = finished_shard(self._uri, place, vocab_size=size, made_from=self._source)
        if before is not None:
            self._note(before)
        return before is None

    def add(self, place: Place, batch: Any) -> None:
        before = self._filling.get(place.split)
        if before is not None and before[0] != place:
            self._write(*before)
        if before is None or before[0] != place:
            self._filling[place.split] = (place, [])
        self._filling[place.split][1].append(batch)

    def finish(self) -> None:
        for place, batches in self._filling.values():
            self._write(place, batches)

    def _write(self, place: Place, batches: list[Any]) -> None:
        (batch,) = pa.Table.from_batches(batches).combine_chunks().to_batches()
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        size, notes = len(self._vocabulary.pieces), Notes(self._source, {}, {})
        self._note(write_columns(self._uri, place, columns, vocab_size=size, notes=notes))

    def _note(self, found: Counted) -> None:
        counts = found.token_counts.copy()
        counts[[self._vocabulary.special.cls, self._vocabulary.special.sep]] = 0  # they are never to be predicted
        self.token_counts[found.shard.split] += counts
        self.made.append(found.shard)


def _looked_through(sources: Sources, processes: int, count: Count) -> list[_File]:
    names = [(number, file) for number, (_, uri) in enumerate(sources) for file in preprocessed.files(uri)]
    files: list[_File] = []
    for file in in_order(partial(_Looker, sources), names, processes):
        files.append(file)
        count.add(0)  # a sign of life: many gigabytes take minutes
    for number, (_, uri) in enumerate(sources):
        if not any(file.blocks for file in files if file.source == number):
            raise DataError(uri, "there is no row in it", "check the path in corpus.sources")
    return files


def _blocks(files: list[_File]) -> Iterator[Block]:
    for file in files:
        ends = list(accumulate(file.blocks))
        for start, end in zip([0, *ends], ends, strict=False):
            yield Block(file.source, file.uri, start, end)


def _to_read(cuts: Iterator[Cut], count: Count) -> Iterator[Cut]:
    for one in cuts:
        if one.shares:
            yield one
        else:
            count.add(one.block.end - one.block.start)
