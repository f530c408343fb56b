"""HDF5, Parquet, Arrow and XML that reach out of themselves, claim too much or would be executed.

Links of HDF5 are in tests/data/preprocessed/test_hdf5.py, NumPy's pickles in test_lddl.py there.
"""

import contextlib
import json
import pickle
import random
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest

from tests.data.sources.reading import texts
from trainer.data.preprocessed import hdf5
from trainer.data.unpacking import refuse_bomb
from trainer.errors import DataError, InputError

SHAPES = {
    "input_ids": (4, 8),
    "input_mask": (4, 8),
    "segment_ids": (4, 8),
    "masked_lm_positions": (4, 2),
    "masked_lm_ids": (4, 2),
    "next_sentence_labels": (4,),
}


def rows(path: Path, rows: int = 4, without: str = "") -> Path:
    """A file of instances; of more rows than 4 nothing is written, as HDF5 allows."""
    with h5py.File(path, "w") as file:
        for name, shape in SHAPES.items():
            if name != without:
                chunks = True if rows > 4 else None
                file.create_dataset(name, (rows, *shape[1:]), "i4", chunks=chunks)
    return path


def test_numbers_that_lie_in_another_file_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"x" * 200)
    path = rows(tmp_path / "a.hdf5", without="input_ids")
    with h5py.File(path, "a") as file:
        file.create_dataset("input_ids", (4, 8), "i4", external=[(str(tmp_path / "secret"), 0, 128)])
    with pytest.raises(DataError, match="input_ids lies in another file; do not use this file"):
        hdf5.blocks(str(path))


def test_numbers_that_are_a_view_of_another_file_are_not_read(tmp_path: Path) -> None:
    other = rows(tmp_path / "b.hdf5")
    path = rows(tmp_path / "a.hdf5", without="input_ids")
    layout = h5py.VirtualLayout((4, 8), "i4")
    layout[:] = h5py.VirtualSource(str(other), "input_ids", (4, 8))
    with h5py.File(path, "a") as file:
        file.create_virtual_dataset("input_ids", layout)
    with pytest.raises(DataError, match="input_ids lies in another file; do not use this file"):
        hdf5.blocks(str(path))


@pytest.mark.timeout(30)
def test_rows_without_end_that_nobody_wrote_are_not_counted(tmp_path: Path) -> None:
    path = rows(tmp_path / "a.hdf5", rows=2**40)
    assert path.stat().st_size < 100_000
    with pytest.raises(DataError, match="bytes say that they unpack to"):
        hdf5.blocks(str(path))


def test_what_data_unpacks_to_is_let_through() -> None:
    refuse_bomb("a", 1000, 256 << 20)
    refuse_bomb("a", 10 << 20, 200 * (10 << 20))
    with pytest.raises(DataError):
        refuse_bomb("a", 1 << 20, 257 << 20)


class Payload:
    """Unpickled, it would create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("form", ["parquet", "datasets"])
@pytest.mark.parametrize("name", ["arrow.py_extension_type", "berth.mine"])
def test_a_column_of_a_pickled_type_executes_nothing(tmp_path: Path, form: str, name: str) -> None:
    marker = tmp_path / "executed"
    extension = {b"ARROW:extension:name": name.encode(), b"ARROW:extension:metadata": pickle.dumps(Payload(marker))}
    field = pa.field("text", pa.string(), metadata=extension)
    with contextlib.suppress(DataError):
        texts(written(tmp_path, form, pa.table({"text": ["A town."]}, pa.schema([field]))), form)
    assert not marker.exists()
    pickle.loads(pickle.dumps(Payload(marker)))
    assert marker.exists(), "the payload does not work"


def written(folder: Path, form: str, table: Any) -> Path:
    """The table as a source: a Parquet file, or a folder of Hugging Face's."""
    if form == "parquet":
        pyarrow.parquet.write_table(table, folder / "a.parquet")
        return folder / "a.parquet"
    with pa.OSFile(str(folder / "a.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "a.arrow"}]}))
    return folder


@pytest.mark.parametrize("end", [2**31 - 1, 1_000_000, -5])
def test_offsets_that_lead_out_of_the_text_are_refused(tmp_path: Path, end: int) -> None:
    offsets = pa.py_buffer(np.array([0, end, 7], np.int32))
    column = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"A town." + b"\0" * 57)])
    table = pa.Table.from_batches([pa.record_batch([column], ["text"])])
    with pytest.raises(DataError, match="is no Arrow stream"):
        texts(written(tmp_path, "datasets", table), "datasets")


@pytest.mark.parametrize("name", ["../a.arrow", "/etc/passwd", "..", "x/../../a.arrow"])
def test_a_data_file_outside_the_folder_is_not_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))
    with pytest.raises(DataError, match="which is not in the folder; do not use this folder"):
        texts(tmp_path, "datasets")


def test_a_deep_state_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("[" * 1_000_000)
    with pytest.raises(DataError, match="it does not name the data files"):
        texts(tmp_path, "datasets")


@pytest.mark.parametrize("form", ["parquet", "datasets"])
def test_flipped_bytes_are_refused_or_harmless(tmp_path: Path, form: str) -> None:
    place = written(tmp_path, form, pa.table({"text": [f"Town {number}." for number in range(500)]}))
    file = place if place.is_file() else place / "a.arrow"
    whole, rng = file.read_bytes(), random.Random(0)
    refused = 0
    for _ in range(100):
        damaged = bytearray(whole)
        for _ in range(4):
            damaged[rng.randrange(len(whole))] = rng.randrange(256)
        file.write_bytes(damaged)
        try:
            texts(place, form)
        except InputError:
            refused += 1
    assert refused


XML = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/"><page><title>T</title><ns>0</ns><revision><text>'
END = "</text></revision></page></mediawiki>"


@pytest.mark.parametrize(
    "declared",
    [
        '<!ENTITY x SYSTEM "secret">',
        '<!ENTITY a "xxxxxxxxxx">'
        + "".join(f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefghi", "bcdefghij", strict=True))
        + '<!ENTITY x "&j;">',
    ],
    ids=["another file", "a billion laughs"],
)
def test_entities_of_a_dump_are_not_followed(tmp_path: Path, declared: str) -> None:
    (tmp_path / "secret").write_text("hunter2")
    (tmp_path / "dump.xml").write_text(f"<!DOCTYPE mediawiki [{declared}]>{XML}A town. &x; It is old.{END}")
    with pytest.raises(DataError, match=r"it has a document type \(mediawiki\), and no dump has one"):
        texts(tmp_path / "dump.xml", "mediawiki")
