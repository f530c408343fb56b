"""Parquet files of NVIDIA's LDDL, in bins of similar lengths or not, with masks or without.

    A, B                  string         the pieces of both segments, with spaces between; masked, if there are masks
    is_random_next        bool           B is random
    masked_lm_positions   binary         only with masks: a .npy file of uint16, counted from [CLS]
    masked_lm_labels      string         only with masks: the true pieces there, with spaces between

`num_tokens` and `bin_id` follow from these and are not read.
"""

import contextlib
import io
from collections.abc import Generator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from trainer import storage
from trainer.data.preprocessed.rows import OTHER_VOCABULARY, Integers, Padded, Vocabulary, at, padded
from trainer.data.unpacking import refuse_parquet_bomb
from trainer.errors import DataError

_compute: Any = pyarrow.compute  # its functions are made when it is imported: no checker knows them
_BLOCK = 8192
_COLUMNS = {"A": pa.string(), "B": pa.string(), "is_random_next": pa.bool_()}
_MASKS = {"masked_lm_positions": pa.binary(), "masked_lm_labels": pa.string()}
_REMEDY = "check corpus.sources, or make the data anew"


def blocks(uri: str) -> list[int]:
    """The numbers of rows that are best read at once, from the first row to the last.

    Raises:
        DataError: not a Parquet file, or not one of LDDL.
        StorageError: it cannot be read.
    """
    with _opened(uri) as file:
        _columns(uri, file)
        groups = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
    return [min(_BLOCK, rows - start) for rows in groups for start in range(0, rows, _BLOCK)]


def read(uri: str, start: int, end: int, vocabulary: Vocabulary) -> Padded:
    """Rows `start` to `end` (left out) of a file, all of one row group.

    Raises:
        DataError, StorageError: as `blocks`; also where a piece is not in the vocabulary.
    """
    with _opened(uri) as file:
        table = _rows(file, _columns(uri, file), start, end)
    for name, column in zip(table.column_names, table.columns, strict=True):
        if column.null_count:
            raise DataError(at(uri, start + int(np.argmax(column.is_null()))), f"{name} is null", _REMEDY)
    ids = _Ids(vocabulary, uri, start)
    first, first_lengths = ids.of(table.column("A"))
    second, second_lengths = ids.of(table.column("B"))
    lengths = first_lengths + second_lengths + 3
    input_ids = np.zeros((table.num_rows, int(lengths.max())), np.int32)
    column = np.arange(input_ids.shape[1])
    ends = first_lengths[:, None] + 1
    input_ids[:, 0] = vocabulary.special.cls
    input_ids[(column == ends) | (column == lengths[:, None] - 1)] = vocabulary.special.sep
    input_ids[(column > 0) & (column < ends)] = first
    input_ids[(column > ends) & (column < lengths[:, None] - 1)] = second
    positions, labels = _masks(table, ids, uri, start)
    is_random = table.column("is_random_next").to_numpy(zero_copy_only=False).astype(np.int8)
    return Padded(input_ids, lengths, first_lengths + 2, positions, labels, is_random)


class _Ids:
    def __init__(self, vocabulary: Vocabulary, uri: str, start: int) -> None:
        self._pieces = pa.array(vocabulary.pieces)
        self._uri = uri
        self._start = start

    def of(self, texts: Any) -> tuple[Integers, Integers]:
        """The ids (sum of lengths,) of all pieces of N texts, and how many each has (N,)."""
        pieces = _compute.split_pattern(texts, " ")
        lengths = _compute.list_value_length(pieces).to_numpy().astype(np.int64)
        flat = _compute.list_flatten(pieces)
        ids = _compute.index_in(flat, value_set=self._pieces)
        if ids.null_count:
            place = int(np.argmax(ids.is_null()))
            row = self._start + int(np.searchsorted(np.cumsum(lengths), place, side="right"))
            problem = f"the piece {flat[place].as_py()!r} is not in the vocabulary"
            raise DataError(at(self._uri, row), problem, OTHER_VOCABULARY)
        return ids.to_numpy(), lengths


def _masks(table: Any, ids: _Ids, uri: str, start: int) -> tuple[Integers, Integers]:
    """Positions (N, P) and labels (N, P); P is 0 without masks."""
    if "masked_lm_labels" not in table.column_names:
        nothing = np.zeros((table.num_rows, 0), np.int32)
        return nothing, nothing
    positions = [
        _positions(value, at(uri, start + number))
        for number, value in enumerate(table.column("masked_lm_positions").to_pylist())
    ]
    labels, lengths = ids.of(table.column("masked_lm_labels"))
    for number, (of_row, length) in enumerate(zip(positions, lengths.tolist(), strict=True)):
        if of_row.size != length:
            raise DataError(at(uri, start + number), f"{of_row.size} masks have {length} labels", _REMEDY)
    return padded(np.concatenate(positions).astype(np.int32), lengths), padded(labels, lengths)


def _positions(value: bytes, where: str) -> Any:
    try:
        positions = np.load(io.BytesIO(value), allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise DataError(where, f"masked_lm_positions is not a .npy file ({error})", _REMEDY) from error
    if positions.ndim != 1 or positions.dtype.kind not in "iu":
        raise DataError(where, "masked_lm_positions is not a list of whole numbers", _REMEDY)
    return positions


@contextlib.contextmanager
def _opened(uri: str) -> Generator[Any]:
    path = storage.fetch(uri)
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            uri, f"not a whole Parquet file ({reason})", "copy it again, or check corpus.sources"
        ) from error


def _columns(uri: str, file: Any) -> dict[str, Any]:
    """What there is to read, and as which type."""
    schema = file.schema_arrow
    wanted = _COLUMNS | _MASKS if set(_MASKS) & set(schema.names) else _COLUMNS
    for name, kind in wanted.items():
        if name not in schema.names:
            problem = f"there is no column {name} in it, there is {', '.join(schema.names) or 'nothing'}"
            raise DataError(uri, problem, _REMEDY)
        found = str(schema.field(name).type).removeprefix("large_")  # pandas and polars write large strings
        if found != str(kind):
            raise DataError(uri, f"the column {name} holds {found}, not {kind}", _REMEDY)
    refuse_parquet_bomb(uri, file.metadata, wanted)
    return wanted


def _rows(file: Any, columns: dict[str, Any], start: int, end: int) -> Any:
    """Rows of one row group as a record batch; what stands before them in it is read and let go."""
    group, first = 0, 0
    while first + file.metadata.row_group(group).num_rows <= start:
        first += file.metadata.row_group(group).num_rows
        group += 1
    found: list[Any] = []
    for batch in file.iter_batches(_BLOCK, row_groups=[group], columns=list(columns)):
        skipped = max(0, start - first)
        found.append(batch.slice(skipped, max(0, min(batch.num_rows, end - first) - skipped)))
        first += batch.num_rows
        if first >= end:
            break
    table = pa.Table.from_batches(found).cast(pa.schema(columns)).combine_chunks()
    return table.to_batches()[0]
