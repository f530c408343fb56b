"""Files that unpack to far more than they are: an attack on memory, which no data is."""

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
