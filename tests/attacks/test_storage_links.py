"""Symbolic links that somebody put where Berth writes and deletes: what they lead to stays as it is."""

import contextlib
from pathlib import Path

import pytest

from trainer import storage
from trainer.errors import StorageError


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of somebody else with a file."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "precious").write_text("precious")
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def test_a_file_that_is_written_takes_the_place_of_a_link(run: Path, outside: Path) -> None:
    (run / "result.json").symlink_to(outside / "precious")
    storage.write_text(str(run / "result.json"), "mine")
    assert (outside / "precious").read_text() == "precious"
    assert (run / "result.json").read_text() == "mine"
    assert not (run / "result.json").is_symlink()


def test_a_folder_is_deleted_without_what_its_links_lead_to(run: Path, outside: Path) -> None:
    (run / "step-1").mkdir()
    (run / "step-1" / "optimizer").symlink_to(outside)
    (run / "step-1" / "model").symlink_to(outside / "precious")
    storage.remove(str(run / "step-1"))
    assert not (run / "step-1").exists()
    assert (outside / "precious").read_text() == "precious"


def test_a_link_in_the_place_of_a_folder_is_not_followed_to_delete(run: Path, outside: Path) -> None:
    (run / "step-1").symlink_to(outside)
    with contextlib.suppress(StorageError):
        storage.remove(str(run / "step-1"))
    assert (outside / "precious").read_text() == "precious"


def test_links_that_lead_to_themselves_are_an_error_in_a_line(run: Path) -> None:
    (run / "a").symlink_to(run / "b")
    (run / "b").symlink_to(run / "a")
    with pytest.raises(StorageError):
        storage.read_text(str(run / "a"))
    (run / "again").symlink_to(run)
    assert storage.matching(f"{run}/*.txt") == []
