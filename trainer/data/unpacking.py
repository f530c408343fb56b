"""Files that unpack to far more than they are: an attack on memory, which no data is."""

from collections.abc import Collection
from typing import Any

from trainer.errors import DataError

_MOST = 200
"""Times its size. Text comes to 5, rows of token ids that are mostly padding to 50."""
_HARMLESS = 256 << 20
"""Bytes."""


def refuse_bomb(uri: str, packed: int, unpacked: int) -> None:
    """Do nothing if so many bytes may have become so few.

    Raises:
        DataError: they say of themselves that they are too many.
    """
    if unpacked > max(_HARMLESS, _MOST * packed):
        problem = f"its {packed:,} bytes say that they unpack to {unpacked:,}"
        raise DataError(uri, problem, "do not use this file, or make the data anew")


def refuse_parquet_bomb(uri: str, metadata: Any, names: Collection[str]) -> None:
    """Do nothing if the columns of these names are no more than text can be.

    Raises:
        DataError: see `refuse_bomb`.
    """
    for group in (metadata.row_group(number) for number in range(metadata.num_row_groups)):
        for chunk in (group.column(number) for number in range(group.num_columns)):
            if chunk.path_in_schema in names:
                refuse_bomb(uri, chunk.total_compressed_size, chunk.total_uncompressed_size)
