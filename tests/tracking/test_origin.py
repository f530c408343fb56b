"""What is recorded of where a run came from. The checkout is the one that these tests are in."""

import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from trainer.tracking import origin as module
from trainer.tracking.origin import IMAGE, origin

ROOT = Path(__file__).parents[2]


def test_a_run_says_what_made_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(IMAGE, "registry.example/berth@sha256:0123")
    made = origin()
    assert made["torch"] == metadata.version("torch")
    assert made["image"] == "registry.example/berth@sha256:0123"


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout")
def test_a_checkout_says_its_commit() -> None:
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert str(origin()["commit"]).removesuffix("-dirty") == head.strip()


def test_what_lies_in_no_checkout_has_no_commit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "_ROOT", tmp_path)
    monkeypatch.delenv(IMAGE, raising=False)
    assert (origin()["commit"], origin()["image"]) == (None, None)
