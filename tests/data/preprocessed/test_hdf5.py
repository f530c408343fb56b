from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.data.preprocessed.making import MASK, Row, World, padded, write_dle, write_hdf5, write_mlperf
from tests.data.preprocessed.reading import read
from trainer.data.preprocessed import hdf5
from trainer.data.preprocessed.rows import Vocabulary
from trainer.errors import DataError

Arrays = dict[str, np.ndarray]


@pytest.fixture
def rows(world: World) -> list[Row]:
    return world.rows(50)


@pytest.mark.parametrize(("max_length", "max_predictions"), [(128, 20), (512, 80)])
def test_the_masks_of_padded_rows_are_undone(
    tmp_path: Path, world: World, vocabulary: Vocabulary, max_length: int, max_predictions: int
) -> None:
    rows = world.rows(200, max_length, max_predictions)
    assert any(MASK in row.shown for row in rows)
    assert read(write_dle(tmp_path / "a.hdf5", rows, max_length, max_predictions), vocabulary) == rows


def test_rows_of_their_own_lengths_are_the_same_instances(
    tmp_path: Path, rows: list[Row], vocabulary: Vocabulary
) -> None:
    assert read(write_mlperf(tmp_path / "a.hdf5", rows), vocabulary) == rows


def test_a_row_that_is_full_has_no_padding(tmp_path: Path, vocabulary: Vocabulary) -> None:
    full = Row([2, *range(5, 18), 3, *range(5, 20), 3], 15, [1, 20], [4, 9], 1)
    assert read(write_dle(tmp_path / "a.hdf5", [full], len(full.tokens), 2), vocabulary) == [full]


def test_blocks_are_whole_chunks(tmp_path: Path, world: World, vocabulary: Vocabulary) -> None:
    rows = world.rows(5000)
    path = write_hdf5(tmp_path / "a.hdf5", padded(rows), chunks=True)
    with h5py.File(path) as file:
        (chunk, _) = file["input_ids"].chunks
    blocks = hdf5.blocks(str(path))
    assert sum(blocks) == 5000
    assert len(blocks) > 2
    assert all(block % chunk == 0 for block in blocks[:-1])
    assert read(path, vocabulary) == rows


def test_what_else_is_in_a_file_is_passed_over(tmp_path: Path, rows: list[Row], vocabulary: Vocabulary) -> None:
    path = write_dle(tmp_path / "a.hdf5", rows)
    with h5py.File(path, "a") as file:
        file.create_group("notes").create_dataset("input_ids", data=[1])
        file["version"] = "1"
    assert read(path, vocabulary) == rows


def test_unsigned_numbers_and_true_and_false_are_read(tmp_path: Path, rows: list[Row], vocabulary: Vocabulary) -> None:
    arrays = {key: values.astype(f"u{values.dtype.itemsize}") for key, values in padded(rows).items()}
    arrays["input_mask"] = arrays["input_mask"].astype(np.bool_)
    assert read(write_hdf5(tmp_path / "a.hdf5", arrays), vocabulary) == rows


def test_links_to_other_files_are_not_followed(tmp_path: Path, rows: list[Row], vocabulary: Vocabulary) -> None:
    write_dle(tmp_path / "other.hdf5", rows)
    path = write_dle(tmp_path / "a.hdf5", rows)
    with h5py.File(path, "a") as file:
        del file["input_ids"]
        file["input_ids"] = h5py.ExternalLink(str(tmp_path / "other.hdf5"), "/input_ids")
        file["gone"] = h5py.SoftLink("/nowhere")
    with pytest.raises(DataError, match=r"there is no input_ids in it, there is input_mask, masked_lm_ids"):
        read(path, vocabulary)


def without(key: str) -> Callable[[Arrays], None]:
    return lambda arrays: arrays.__delitem__(key)


def at(key: str, row: int, column: int, value: int) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        arrays[key][row, column] = value

    return change


def changed(key: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Arrays], None]:
    return lambda arrays: arrays.update({key: change(arrays[key])})


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (without("input_ids"), "a.hdf5: there is no input_ids in it, there is input_mask, masked_lm_ids, "),
        (without("input_mask"), "a.hdf5: there is no input_mask in it, there is input_ids, masked_lm_ids, "),
        (changed("segment_ids", lambda old: old[:, :60]), r"segment_ids has the shape \(50, 60\), and .* \(50, 64\)"),
        (changed("masked_lm_ids", lambda old: old[:40]), r"masked_lm_ids has the shape \(40, 10\), and"),
        (changed("input_ids", lambda old: old[:, 0]), r"input_ids has the shape \(50,\)"),
        (changed("input_ids", lambda old: old.astype(np.float32)), "input_ids holds float32, not whole numbers"),
        (at("input_ids", 7, 3, 30_000), r"a.hdf5, row 7: has the id 30000, and the vocabulary has \d+ pieces; set voc"),
        (at("input_ids", 7, 3, -2), "a.hdf5, row 7: has the id -2, "),
        (at("masked_lm_ids", 9, 0, 30_000), "a.hdf5, row 9: has the id 30000, "),
        (at("input_ids", 7, 0, 101), "a.hdf5, row 7: begins with the id 101, and .CLS. is 2; set vocab.path to"),
        (at("masked_lm_positions", 3, 0, 64), "a.hdf5, row 3: is masked at 64, which is no position in it"),
        (at("masked_lm_positions", 3, 0, -1), "a.hdf5, row 3: is masked at -1, which is no position in it"),
        (at("input_mask", 4, 0, 0), "a.hdf5, row 4: input_mask is not 1 and then 0"),
        (at("segment_ids", 4, 0, 1), "a.hdf5, row 4: segment_ids is not 0 and then 1"),
        (changed("input_mask", np.zeros_like), "a.hdf5, row 0: has 0 tokens"),
        (
            changed("next_sentence_labels", lambda old: old - 1),
            "a.hdf5, row .: has the next-sentence label -1, neither 0 nor 1",
        ),
    ],
)
def test_what_is_wrong_in_a_file_is_named(
    tmp_path: Path, rows: list[Row], vocabulary: Vocabulary, damage: Callable[[Arrays], None], problem: str
) -> None:
    arrays = padded(rows)
    damage(arrays)
    with pytest.raises(DataError, match=problem):
        read(write_hdf5(tmp_path / "a.hdf5", arrays), vocabulary)


@pytest.mark.parametrize("kind", [np.int32, np.uint32])
def test_positions_out_of_order_are_refused(
    tmp_path: Path, rows: list[Row], vocabulary: Vocabulary, kind: type
) -> None:
    arrays = padded(rows)
    arrays["masked_lm_positions"] = arrays["masked_lm_positions"].astype(kind)
    row = next(number for number, row in enumerate(rows) if len(row.positions) > 1)
    first, second = rows[row].positions[:2]
    arrays["masked_lm_positions"][row, :2] = second, first
    with pytest.raises(DataError, match=rf"row {row}: is masked at {first} after a higher position, or the same"):
        read(write_hdf5(tmp_path / "a.hdf5", arrays), vocabulary)


def test_a_row_without_a_mask_is_refused_where_masks_are_kept(
    tmp_path: Path, rows: list[Row], vocabulary: Vocabulary
) -> None:
    rows[5] = rows[5]._replace(positions=[], shown=[])
    path = write_dle(tmp_path / "a.hdf5", rows)
    assert read(path, vocabulary) == rows
    with pytest.raises(DataError, match=r"row 5: has 0 masks, and corpus.sources says to keep them; set masks to draw"):
        read(path, vocabulary, masks="keep")


def test_a_row_with_segments_of_other_lengths_is_refused(
    tmp_path: Path, rows: list[Row], vocabulary: Vocabulary
) -> None:
    path = write_mlperf(tmp_path / "a.hdf5", rows)
    longest = int(np.argmax([len(row.tokens) for row in rows]))
    with h5py.File(path, "a") as file:
        file["segment_ids"][longest] = np.zeros(70, np.int8)
    with pytest.raises(DataError, match=r"segment_ids of rows 0 to 49 has the shape \(50, 70\), not \(50, "):
        read(path, vocabulary)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"no HDF5 at all",
        lambda data: data[: len(data) // 2],
        lambda data: data[: len(data) // 2] + bytes(len(data) - len(data) // 2),
    ],
)
def test_a_damaged_file_is_refused(
    tmp_path: Path, world: World, vocabulary: Vocabulary, damage: Callable[[bytes], bytes]
) -> None:
    path = write_dle(tmp_path / "a.hdf5", world.rows(3000))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=r"a\.hdf5: (not a whole HDF5 file \(.*\); copy it again|there is no )"):
        read(path, vocabulary)
