"""After a run with marked secrets wherever a person may put them, none lies where others look."""

import http.server
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Start, new_folder

pytestmark = pytest.mark.timeout(600)

MARK = "hunter2"
ENVIRONMENT = (
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "HF_TOKEN",
    "RAY_AUTH_TOKEN",
    "WANDB_API_KEY",
)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def books(tmp_path: Path) -> Iterator[str]:
    """The URI of a text on a real web server, with a password in it."""
    folder = tmp_path / "books"
    folder.mkdir()
    towns = (f"Town {number} lies by the sea. It has {number % 7} towers.\nIts people fish." for number in range(400))
    (folder / "books.txt").write_text("\n\n".join(towns))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://me:{MARK}@127.0.0.1:{server.server_port}/books.txt"
        server.shutdown()


@pytest.fixture
def ray_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where Ray keeps its logs; its sockets need a short path."""
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    monkeypatch.setenv("RAY_TMPDIR", str(folder))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
def test_no_secret_lies_in_records_logs_report_checkpoints_or_model(
    berth: Start, tmp_path: Path, books: str, ray_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ENVIRONMENT:
        monkeypatch.setenv(name, f"{MARK}-{name}" + "0" * 40)
    folder = new_folder(tmp_path / "secret")
    overrides = (f"corpus.sources=[{{path: '{books}'}}]", "pretrain.max_steps=20", "squad.0.epochs=0.5")
    code, output = berth(folder, "run", "tiny.yaml", *overrides).wait()
    assert code == 0, output
    assert berth(folder, "report", "runs/tiny").wait()[0] == 0
    assert berth(folder, "report", "runs/tiny", "runs/tiny").wait()[0] == 0
    run = folder / "runs" / "tiny"
    for part in (run / "pretrain" / "wandb", run / "squad" / "checkpoints", run / "report.html", ray_folder / "ray"):
        assert part.exists(), f"nothing was looked for in {part}"
    asked_for = run / "run.yaml"  # what the run goes on by; as secret as the storage that it lies on
    assert MARK in asked_for.read_text()
    assert holding_the_mark(folder, ray_folder) == [asked_for]


def holding_the_mark(*folders: Path) -> list[Path]:
    files = [Path(parent, name) for folder in folders for parent, _, names in os.walk(folder) for name in names]
    return [file for file in files if file.is_file() and MARK.encode() in file.read_bytes()]
