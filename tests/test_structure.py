"""The shape of the code, where no linter looks."""

import statistics
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "trainer"


def test_files_stay_small() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert statistics.median(lengths.values()) <= 150
    assert [path for path, length in lengths.items() if length > 400] == []


def test_no_file_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "util", "common", "helpers", "helper", "manager", "base", "misc"}
    assert [path for path in PACKAGE.rglob("*.py") if path.stem in drawers] == []


def test_help_loads_neither_torch_nor_ray() -> None:
    probe = "import sys; from trainer.cli import main; main(['--help'], standalone_mode=False); print(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout
    loaded = set(output.splitlines()[-1].split())
    assert "click" in loaded
    assert loaded.isdisjoint({"torch", "ray", "pydantic", "wandb", "numpy"})
