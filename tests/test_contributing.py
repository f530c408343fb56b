"""CONTRIBUTING's walk-throughs, followed as they stand in a copy of the package."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.markdown import blocks

ROOT = Path(__file__).parents[1]
BLOCKS = [block for block in blocks(ROOT / "CONTRIBUTING.md") if block.language]


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package, changed as all blocks say."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "trainer", folder / "trainer", ignore=shutil.ignore_patterns("__pycache__"))
    for language, block in BLOCKS:
        if language == "diff":
            subprocess.run(["git", "apply", "-"], cwd=folder, input=block, text=True, check=True)
        else:
            named = re.match(r"# (\S+?)[:\n]", block)
            assert named, block
            (folder / named[1]).write_text(block)
    return folder


def run(folder: Path, *arguments: str) -> str:
    """What Python says there."""
    environment = os.environ | {"PYTHONPATH": str(folder)}
    command = [sys.executable, *arguments]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_a_recipe_is_listed_and_planned(changed: Path) -> None:
    assert "bert-mini" in run(changed, "-m", "trainer", "recipes")
    layers = 4 * (12 * 256**2 + 13 * 256)
    assert f"{layers:,}" in run(changed, "-m", "trainer", "plan", "bert-mini")


def test_a_layout_of_text_is_prepared(changed: Path) -> None:
    rows = "".join(f"{n}\tThe town of Number{n} lies on a river. Its mayor is Person{n}.\n" for n in range(40))
    (changed / "towns.tsv").write_text(f"id\ttext\n{rows}")
    (changed / "corpus.yaml").write_text(
        "storage: towns\ncorpus: {sources: [{path: towns.tsv, format: tsv}], held_out: 0}\nvocab: {size: 200}\n"
    )
    assert "40 documents" in run(changed, "-m", "trainer", "prepare", "corpus.yaml")


def test_an_optimizer_is_built(changed: Path) -> None:
    built = (
        "from torch import nn; from trainer.config import schema; from trainer.optim import optimizers; "
        "print(type(optimizers.build(schema.Optimizer(kind='adam'), nn.Linear(2, 2))))"
    )
    assert "torch.optim.adam.Adam" in run(changed, "-c", built)
