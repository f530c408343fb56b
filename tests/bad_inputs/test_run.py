"""`berth run` where more than one command shows what is wrong; the rest is in `cases/`.

The commands are run for real, in this process; none of them gets as far as starting workers.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bad_inputs import refusing
from tests.bad_inputs.valid import QUESTION, RUN, squad


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a run that is right, as the current directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("A town lies on a river.\n")
    (tmp_path / "dev.json").write_text(squad(QUESTION))
    (tmp_path / "run.yaml").write_text(RUN)
    return tmp_path


def refusal(*overrides: str) -> str:
    return refusing.refusal("run", "run.yaml", *overrides)


def test_a_run_folder_of_another_configuration(folder: Path) -> None:
    (folder / "empty.txt").write_text("")
    refusal("corpus.sources.0.path=empty.txt")  # notes the configuration, then stops at the text
    line = refusal("corpus.sources.0.path=empty.txt", "model.num_hidden_layers=2")
    assert line.startswith(f"model.num_hidden_layers: 2, but {folder}/runs/mine was begun with 1; only checkpoint, ")


def test_a_full_disk(folder: Path, small_disk: Callable[[int], Path]) -> None:
    full_disk = small_disk(64)
    (folder / "long.txt").write_text("\n\n".join(f"Word{n} follows word{n + 1}." for n in range(20_000)))
    line = refusal(f"storage={full_disk}", "corpus.sources.0.path=long.txt")
    assert "cannot be written: no space left on device" in line
    assert not (full_disk / "mine" / "corpus" / "corpus.json").exists()
