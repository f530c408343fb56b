"""A folder that Hugging Face's `save_to_disk` wrote: state.json names its data files, which are Arrow streams."""

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.ipc

from trainer import storage
from trainer.config.corpus import Source
from trainer.data.sources import columns
from trainer.errors import DataError


def files(uri: str) -> list[str]:
    """The data files of the folder, in the order of its rows; none where there is no folder.

    Raises:
        DataError: it is not such a folder, or one of several of them.
    """
    names = storage.names(uri)
    if "dataset_dict.json" in names:
        splits = [name for name in names if storage.exists(storage.join(uri, name, "state.json"))]
        problem = f"it holds several datasets: {', '.join(splits)}"
        raise DataError(uri, problem, f"name one of them, such as {storage.join(uri, *splits[:1])}")
    if names and "state.json" not in names:
        raise DataError(uri, "it has no state.json", "give a folder that save_to_disk of Hugging Face's datasets wrote")
    return [storage.join(uri, name) for name in _data_files(storage.join(uri, "state.json"))] if names else []


def read(source: Source, file: str) -> Iterator[str]:
    """The documents of a data file; null is an empty one.

    Raises:
        DataError: it is no Arrow stream, is damaged, or has no column of text of that name.
    """
    filesystem, path = storage.arrow_filesystem(file)
    row = 0
    with storage.explained(file, "read"):
        try:
            with filesystem.open_input_stream(path) as stream, pyarrow.ipc.open_stream(stream) as table:
                columns.check(table.schema, source.field, file)
                for batch in table:
                    batch.validate(full=True)  # else wrong offsets would be read at, wherever they lead
                    yield from columns.values(batch.column(source.field), file, row)
                    row += batch.num_rows
        except (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError) as error:
            problem = f"after row {row} it is no Arrow stream"
            raise columns.damage(error, file, problem, "copy the folder again") from error


def _is_name(text: str) -> bool:
    """Of a file in the folder. Half of a surrogate pair, which JSON can spell, is in none."""
    return "/" not in text and text not in ("", ".", "..") and text.isprintable()


def _data_files(state_file: str) -> list[str]:
    try:
        state: dict[str, Any] = json.loads(storage.read_bytes(state_file))
        names = [str(entry["filename"]) for entry in state["_data_files"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(state_file, f"it does not name the data files ({error!r})", "save the dataset again") from error
    if outside := [name for name in names if not _is_name(name)]:
        raise DataError(state_file, f"it names {outside[0]!r}, which is not in the folder", "do not use this folder")
    if state.get("_indices_data_files"):  # by old versions, which did not write the picked rows themselves
        raise DataError(state_file, "its rows are picked by another file", "save it again after flatten_indices()")
    return names
