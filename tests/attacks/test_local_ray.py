"""Another user of the machine on which `berth run` starts Ray; what Ray makes is in tests/runtime/test_nodes.py."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from trainer.errors import InputError
from trainer.runtime import nodes


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What /tmp is to this process."""
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"berth-{os.getuid()}"


def open_to_all(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)


def link(folder: Path) -> None:
    folder.symlink_to("/tmp")


@pytest.mark.parametrize("there", [open_to_all, link])
def test_a_folder_that_somebody_else_put_there_is_not_used(there: Callable[[Path], None], temporary: Path) -> None:
    there(temporary)
    with pytest.raises(InputError, match="is not a folder that you alone may enter; remove it, or set RAY_TMPDIR"):
        nodes._own_folder()


def test_a_folder_of_ones_own_is_made_and_found_again(temporary: Path) -> None:
    assert nodes._own_folder() == nodes._own_folder() == temporary
    assert temporary.stat().st_mode & 0o777 == 0o700
