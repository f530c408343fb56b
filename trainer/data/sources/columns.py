"""A column of text in Arrow's memory -> its values, and what is told of a column that is none."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from trainer.errors import DataError


def check(schema: Any, field: str, file: str) -> None:
    """Refuse a file that has no column of text of this name.

    Raises:
        DataError: names the columns that there are, or the column's type.
    """
    if field not in schema.names:
        problem = f"there is no column {field!r}; its columns are {', '.join(schema.names)}"
        raise DataError(file, problem, "set the source's `field`")
    kind = schema.field(field).type
    if not _is_text(kind.value_type if pa.types.is_dictionary(kind) else kind):
        raise DataError(file, f"column {field!r} is no text but {kind}", "set the source's `field`")


def values(column: Any, file: str, row: int) -> Iterator[str]:
    """The texts of a column, one at a time; null is an empty one.

    Args:
        row: the number of the column's first row in the file, from 0.
    """
    for number, value in enumerate(column, start=row):
        try:
            yield value.as_py() or ""
        except UnicodeDecodeError as error:
            raise DataError(file, f"row {number} is not UTF-8", "write the file anew from UTF-8 text") from error


def damage(error: Exception, file: str, problem: str, remedy: str) -> Exception:
    """What Arrow says of a file, for people; what the storage says, which has a number, as it is."""
    if isinstance(error, OSError) and error.errno:
        return error
    what = str(error).split("\n", 1)[0].rstrip(".")
    return DataError(file, f"{problem} ({what})", remedy)


def _is_text(kind: Any) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
