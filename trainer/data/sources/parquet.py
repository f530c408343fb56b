"""Parquet: a document a row; of all columns only that of the text is read, batch by batch."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet

from trainer import storage
from trainer.config.corpus import Source
from trainer.data.sources import columns
from trainer.data.unpacking import refuse_parquet_bomb

_ROWS = 64
"""Rows that are unpacked at once."""


def read(source: Source, file: str) -> Iterator[str]:
    """The documents of a file; null is an empty one.

    Raises:
        DataError: it is not Parquet, is damaged, or has no column of text of that name.
    """
    filesystem, path = storage.arrow_filesystem(file)
    row = 0
    with storage.explained(file, "read"):
        try:
            with pyarrow.parquet.ParquetFile(path, filesystem=filesystem) as table:
                columns.check(table.schema_arrow, source.field, file)
                refuse_parquet_bomb(file, table.metadata, [source.field])
                for batch in table.iter_batches(_ROWS, columns=[source.field]):
                    yield from columns.values(batch.column(source.field), file, row)
                    row += batch.num_rows
        except (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError) as error:
            place = f"after row {row} it" if row else "it"
            raise columns.damage(error, file, f"{place} cannot be read as Parquet", "copy the file again") from error
