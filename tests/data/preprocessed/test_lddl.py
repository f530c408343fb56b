from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.data.preprocessed.making import Row, World, lddl, write_binned, write_dle, write_lddl
from tests.data.preprocessed.reading import read
from trainer.data import preprocessed
from trainer.data.preprocessed.rows import Vocabulary
from trainer.errors import DataError

Table = dict[str, Any]


@pytest.fixture
def rows(world: World) -> list[Row]:
    return world.rows(50)


def test_static_masks_are_undone(tmp_path: Path, rows: list[Row], world: World, vocabulary: Vocabulary) -> None:
    found = read(write_lddl(tmp_path / "part.0.parquet", rows, world.pieces), vocabulary)
    assert found == rows
    assert found == read(write_dle(tmp_path / "a.hdf5", rows), vocabulary)


def test_without_masks_the_tokens_are_the_same(
    tmp_path: Path, rows: list[Row], world: World, vocabulary: Vocabulary
) -> None:
    found = read(write_lddl(tmp_path / "part.0.parquet", rows, world.pieces, static=False), vocabulary)
    assert found == [row._replace(positions=[], shown=[]) for row in rows]
    with pytest.raises(DataError, match=r"part\.0\.parquet, row 0: has 0 masks, and corpus.sources says to keep them"):
        read(tmp_path / "part.0.parquet", vocabulary, masks="keep")


def test_bins_are_read_in_the_order_of_their_names(
    tmp_path: Path, rows: list[Row], world: World, vocabulary: Vocabulary
) -> None:
    ordered = write_binned(tmp_path / "bins", rows, world.pieces)
    (tmp_path / "bins" / "_metadata").write_text("of Dask")
    names = [Path(file) for file in preprocessed.files(str(tmp_path / "bins"))]
    assert [path.name for path in names] == [f"part.0.parquet_{number}" for number in range(4)]
    assert [row for path in names for row in read(path, vocabulary)] == ordered


@pytest.mark.parametrize("group", [7, 9000, 100_000])
def test_row_groups_and_blocks_need_not_fit(
    tmp_path: Path, rows: list[Row], world: World, vocabulary: Vocabulary, group: int
) -> None:
    many = rows * 400 if group > 7 else rows
    path = write_lddl(tmp_path / "part.0.parquet", many, world.pieces, group=group)
    assert read(path, vocabulary) == many


def test_large_strings_are_read(tmp_path: Path, rows: list[Row], world: World, vocabulary: Vocabulary) -> None:
    table = lddl(rows, world.pieces)
    table |= {name: table[name].cast(pa.large_string()) for name in ("A", "B", "masked_lm_labels")}
    pq.write_table(pa.table(table), tmp_path / "part.0.parquet")
    assert read(tmp_path / "part.0.parquet", vocabulary) == rows


def changed(name: str, row: int, value: Any) -> Callable[[Table], None]:
    def change(table: Table) -> None:
        values = table[name].to_pylist()
        values[row] = value
        table[name] = pa.array(values, table[name].type)

    return change


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda table: table.pop("A"), "parquet: there is no column A in it, there is B, is_random_next, num_tokens, "),
        (lambda table: table.pop("masked_lm_labels"), "parquet: there is no column masked_lm_labels in it, there is A"),
        (lambda table: table.update(B=pa.array(range(50))), "parquet: the column B holds int64, not string"),
        (changed("A", 7, "the zebra"), r"parquet, row 7: the piece '\w+' is not in the vocabulary; set vocab.path to"),
        (changed("B", 8, ""), "parquet, row 8: the piece '' is not in the vocabulary"),
        (changed("masked_lm_labels", 9, "zebra"), "parquet, row 9: the piece 'zebra' is not in the vocabulary"),
        (changed("B", 3, None), "parquet, row 3: B is null"),
        (changed("masked_lm_positions", 2, b"\x93NUMPY"), r"parquet, row 2: masked_lm_positions is not a \.npy file"),
        (changed("masked_lm_positions", 2, b""), r"parquet, row 2: masked_lm_positions is not a \.npy file"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(
    tmp_path: Path,
    rows: list[Row],
    world: World,
    vocabulary: Vocabulary,
    damage: Callable[[Table], None],
    problem: str,
) -> None:
    table = lddl(rows, world.pieces)
    damage(table)
    pq.write_table(pa.table(table), tmp_path / "part.0.parquet")
    with pytest.raises(DataError, match=problem):
        read(tmp_path / "part.0.parquet", vocabulary)


def test_labels_that_are_fewer_than_positions_are_refused(
    tmp_path: Path, rows: list[Row], world: World, vocabulary: Vocabulary
) -> None:
    row = next(number for number, row in enumerate(rows) if len(row.positions) > 2)
    table = lddl(rows, world.pieces)
    changed("masked_lm_labels", row, "the the")(table)
    pq.write_table(pa.table(table), tmp_path / "part.0.parquet")
    problem = rf"row {row}: {len(rows[row].positions)} masks have 2 labels"
    with pytest.raises(DataError, match=problem):
        read(tmp_path / "part.0.parquet", vocabulary)


@pytest.mark.parametrize("damage", [lambda data: b"no Parquet", lambda data: data[:-100], lambda data: data[100:]])
def test_a_damaged_file_is_refused(
    tmp_path: Path, rows: list[Row], world: World, vocabulary: Vocabulary, damage: Callable[[bytes], bytes]
) -> None:
    path = write_lddl(tmp_path / "part.0.parquet", rows, world.pieces)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=r"part\.0\.parquet: not a whole Parquet file \(.*\); copy it again"):
        read(path, vocabulary)
