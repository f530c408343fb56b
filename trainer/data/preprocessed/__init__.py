"""Instances that others made, in the layouts that people have them in -> rows of our shards.

    hdf5, lddl   a block of rows of a file   -> padded arrays
    rows         padded arrays               -> checked columns, with the masks undone
    cutting      numbers of rows             -> which rows of which block go to which shard
    part         all of it                   -> shards on storage

A block is read by itself, so many processes read at once, and memory holds a block of each and the shards being filled.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from trainer import storage
from trainer.config.corpus import Source
from trainer.data.preprocessed import hdf5, lddl, rows
from trainer.data.preprocessed.rows import Padded, Vocabulary
from trainer.errors import DataError


class Format(NamedTuple):
    """How a layout is read."""

    blocks: Callable[[str], list[int]]
    """URI of a file -> the rows of its blocks."""
    read: Callable[[str, int, int, Vocabulary], Padded]
    """(URI of a file, first row, end, vocabulary) -> those rows."""


_FORMATS = {
    "hdf5": Format(hdf5.blocks, hdf5.read),
    "lddl": Format(lddl.blocks, lddl.read),
}


def files(uri: str) -> list[str]:
    """The files of a source by name; those whose names begin with a dot or an underscore are passed over.

    Args:
        uri: the source's path with `run://` resolved: a file, a folder or a glob.

    Raises:
        DataError: there are none.
    """
    found = [file for file in storage.matching(uri) if file.rsplit("/", 1)[-1][0] not in "._"]
    if not found:
        raise DataError(uri, "there is no such file or folder, or it is empty", "check the path in corpus.sources")
    return found


def blocks(source: Source, file: str) -> list[int]:
    """The numbers of rows of a file that are best read at once, from the first row to the last.

    Raises:
        DataError: the file is not what it should be.
        StorageError: it cannot be read.
    """
    return _FORMATS[source.format].blocks(file)


def instances(source: Source, file: str, start: int, end: int, vocabulary: Vocabulary) -> Any:
    """Rows `start` to `end` (left out) of a file, one or some of its `blocks`, as `rows.instances` gives them.

    Raises:
        DataError, StorageError: as `blocks`; also where a row is of another vocabulary.
    """
    found = _FORMATS[source.format].read(file, start, end, vocabulary)
    return rows.instances(found, vocabulary, file, start, keep=source.masks == "keep")
