"""JSON lines: a document is a field of an object, one object a line."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from trainer.config.corpus import Source
from trainer.data.sources.lines import lines
from trainer.errors import DataError


def read(source: Source, file: str) -> Iterator[str]:
    """The documents of a file; null is an empty one.

    Raises:
        DataError: a line is not a JSON object, or has not the field.
    """
    return rows(file, lines(file), source.field)


def rows(file: str, lines: Iterable[str], field: str) -> Iterator[str]:
    """The field of each line's object; blank lines are passed over."""
    for number, line in enumerate(lines, start=1):
        if line and not line.isspace():
            yield _field(_object(line, file, number), field, file, number)


def _object(line: str, file: str, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        what = f"{error.msg} in column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
        raise DataError(file, f"line {number} is not JSON ({what})", "give one JSON object a line") from error
    if not isinstance(row, dict):
        raise DataError(file, f"line {number} is no JSON object: {line[:40]}", "give one JSON object a line")
    return row


def _field(row: dict[str, Any], field: str, file: str, number: int) -> str:
    if field not in row:
        problem = f"line {number} has no field {field!r}; its fields are {', '.join(row) or 'none'}"
        raise DataError(file, problem, "set the source's `field`")
    value = row[field]
    if value is None:
        return ""
    if not isinstance(value, str):
        problem = f"line {number}: {field!r} is no text but {json.dumps(value)[:40]}"
        raise DataError(file, problem, "set the source's `field`")
    # JSON can spell half of a surrogate pair ("\ud800"), which is no character and cannot be written as UTF-8.
    return value if value.isascii() else value.encode("utf-8", "replace").decode()
