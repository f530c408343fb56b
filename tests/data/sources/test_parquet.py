from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.data.sources.reading import texts
from trainer import storage
from trainer.config.corpus import Source
from trainer.data.sources import documents
from trainer.errors import DataError

ROWS = [f"Text {number}." for number in range(1000)]


def write(file: Path, column: Any, name: str = "text", **options: Any) -> None:
    pyarrow.parquet.write_table(pa.table({"id": pa.array(range(len(column))), name: column}), file, **options)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_a_document_is_a_row(tmp_path: Path, kind: Any) -> None:
    write(tmp_path / "a.parquet", pa.array(ROWS, pa.string()).cast(kind), row_group_size=300)
    assert texts(tmp_path, "parquet") == ROWS


def test_the_column_may_have_any_name_and_nulls_are_left_out(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", pa.array(["one", None, "two", ""]), name="content.body")
    assert texts(tmp_path, "parquet", field="content.body") == ["one", "two"]


def test_files_may_lie_on_any_storage(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", pa.array(ROWS))
    storage.write_bytes("memory://test-parquet/a.parquet", (tmp_path / "a.parquet").read_bytes())
    assert texts("memory://test-parquet/*.parquet", "parquet") == ROWS


def test_only_the_text_is_unpacked_and_little_at_a_time(tmp_path: Path) -> None:
    long = [f"{number} " * 20_000 for number in range(400)]  # 30 MB
    write(tmp_path / "a.parquet", pa.array(long), row_group_size=20)
    before = pa.total_allocated_bytes()
    pool = pa.default_memory_pool()
    source = Source(path=str(tmp_path / "a.parquet"), format="parquet")
    held = [pool.bytes_allocated() - before for _ in documents(source, source.path)]
    assert max(held) < sum(map(len, long)) / 3


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        ("body", r"there is no column 'body'; its columns are id, text; set the source's `field`"),
        ("id", r"column 'id' is no text but int64; set the source's `field`"),
    ],
)
def test_a_column_that_is_none_or_no_text_is_refused(tmp_path: Path, field: str, problem: str) -> None:
    write(tmp_path / "a.parquet", pa.array(ROWS))
    with pytest.raises(DataError, match=rf"a\.parquet: {problem}"):
        texts(tmp_path, "parquet", field=field)


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"text", b"text" * 100):
        (tmp_path / "a.parquet").write_bytes(content)
        with pytest.raises(DataError, match=r"a\.parquet: it cannot be read as Parquet \(.+\); copy the file again"):
            texts(tmp_path, "parquet")


def test_a_file_that_is_damaged_is_refused_with_the_row(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", pa.array(ROWS), row_group_size=500, use_dictionary=False, compression="zstd")
    second = pyarrow.parquet.read_metadata(tmp_path / "a.parquet").row_group(1).column(1).data_page_offset
    content = bytearray((tmp_path / "a.parquet").read_bytes())
    content[second + 50 : second + 250] = bytes(200)
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.parquet: after row \d{3} it cannot be read as Parquet"):
        texts(tmp_path, "parquet")
