import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pytest

from tests.data.sources.reading import texts
from trainer import storage
from trainer.errors import DataError


def save(folder: Path, *files: list[str | None], **state: Any) -> None:
    """What `save_to_disk` of datasets 5.2 leaves."""
    folder.mkdir(parents=True)
    names = [f"data-{number:05d}-of-{len(files):05d}.arrow" for number in range(len(files))]
    for name, rows in zip(names, files, strict=True):
        table = pa.table({"title": pa.array(range(len(rows))), "text": pa.array(rows, pa.string())})
        with pyarrow.ipc.new_stream(folder / name, table.schema) as stream:
            stream.write_table(table, max_chunksize=2)
    (folder / "dataset_info.json").write_text("{}")
    described = {"_data_files": [{"filename": name} for name in names], "_fingerprint": "ab", "_split": None}
    (folder / "state.json").write_text(json.dumps(described | state))


def test_rows_are_read_in_the_order_of_state_json(tmp_path: Path) -> None:
    save(tmp_path / "wiki", ["one", None, "two"], ["three", "", "four", "five"])
    assert texts(tmp_path / "wiki", "datasets") == ["one", "two", "three", "four", "five"]


def test_a_folder_may_lie_on_any_storage(tmp_path: Path) -> None:
    save(tmp_path / "wiki", ["one"])
    for file in (tmp_path / "wiki").iterdir():
        storage.write_bytes(f"memory://test-datasets/wiki/{file.name}", file.read_bytes())
    assert texts("memory://test-datasets/wiki", "datasets") == ["one"]


def test_of_several_datasets_one_has_to_be_named(tmp_path: Path) -> None:
    save(tmp_path / "wiki" / "train", ["one"])
    save(tmp_path / "wiki" / "test", ["two"])
    (tmp_path / "wiki" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    problem = rf"wiki: it holds several datasets: test, train; name one of them, such as {tmp_path}/wiki/test"
    with pytest.raises(DataError, match=problem):
        texts(tmp_path / "wiki", "datasets")
    assert texts(tmp_path / "wiki" / "train", "datasets") == ["one"]


def test_a_folder_without_state_json_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "wiki", ["one"])
    (tmp_path / "wiki" / "state.json").unlink()
    with pytest.raises(DataError, match=r"wiki: it has no state\.json; give a folder that save_to_disk"):
        texts(tmp_path / "wiki", "datasets")
    with pytest.raises(DataError, match=r"gone: there is no such file or folder"):
        texts(tmp_path / "gone", "datasets")


@pytest.mark.parametrize("state", ["[", "[]", "{}", '{"_data_files": [3]}'])
def test_a_state_json_that_names_no_files_is_refused(tmp_path: Path, state: str) -> None:
    save(tmp_path / "wiki", ["one"])
    (tmp_path / "wiki" / "state.json").write_text(state)
    with pytest.raises(DataError, match=r"wiki/state\.json: it does not name the data files"):
        texts(tmp_path / "wiki", "datasets")


def test_rows_that_another_file_picks_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "wiki", ["one"], _indices_data_files=[{"filename": "indices.arrow"}])
    with pytest.raises(DataError, match=r"its rows are picked by another file; save it again after flatten_indices"):
        texts(tmp_path / "wiki", "datasets")


def test_a_data_file_that_is_cut_short_or_gone_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "wiki", [f"Text {number}" for number in range(100)])
    file = tmp_path / "wiki" / "data-00000-of-00001.arrow"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(DataError, match=r"data-00000-of-00001\.arrow: after row \d+ it is no Arrow stream"):
        texts(tmp_path / "wiki", "datasets")
    file.unlink()
    with pytest.raises(DataError, match=r"data-00000-of-00001\.arrow: after row 0 it is no Arrow stream"):
        texts(tmp_path / "wiki", "datasets")


def test_a_column_that_is_none_or_no_text_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "wiki", ["one"])
    with pytest.raises(DataError, match=r"there is no column 'body'; its columns are title, text"):
        texts(tmp_path / "wiki", "datasets", field="body")
    with pytest.raises(DataError, match=r"column 'title' is no text but int64"):
        texts(tmp_path / "wiki", "datasets", field="title")
