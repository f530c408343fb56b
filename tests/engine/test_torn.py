"""A process that saves is killed wherever it can be: what is loaded then is the checkpoint before or the new one.

On a local disk a real process is really killed. On object storage, where a put is atomic, a killed client is one that
asks for nothing any more: a real S3 server grants it so many changes and then none.
"""

import json
import multiprocessing
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.engine.line_task import LineTask
from tests.faulty_s3 import FaultyS3
from trainer import storage
from trainer.config.schema import Training
from trainer.engine.checkpoint import Checkpoints
from trainer.engine.state import State
from trainer.errors import StorageError

SETTINGS = Training(batch_size=8, micro_batch_size=4, max_length=16, log_every=2, precision="fp32")
EVENTS = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.scandir", "os.listdir", "shutil.rmtree")
"""Python's audit events of the file system; each comes before the deed."""
BEFORE, NEW, NEXT = 9, 12, 14


def save(uri: str, step: int) -> None:
    """A state all of whose weights are its step."""
    task = LineTask(SETTINGS, 100)
    state = State.fresh(task.model, SETTINGS)
    (task.losses(task.model, torch.ones(4, 2)).losses.sum()).backward()
    state.optimizer.step()
    for parameter in state.model.parameters():
        parameter.data.fill_(step)
    state.step = step
    Checkpoints(uri, "fingerprint", keep=2).save(state, task.tokenizer)


def loaded(uri: str) -> int:
    """The step of the newest whole checkpoint, if its weights are those of that step."""
    state = State.fresh(LineTask(SETTINGS, 100).model, SETTINGS)
    assert Checkpoints(uri, "fingerprint", keep=2).load_latest(state)
    assert all((parameter == state.step).all() for parameter in state.model.parameters())
    return state.step


def die_at_event(number: int) -> Callable[[], None]:
    """Kill this process before the so-manieth event in a folder of checkpoints."""

    def arrange() -> None:
        seen = 0

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal seen
            if event in EVENTS and "checkpoints" in str(arguments[0]):
                seen += 1
                if seen == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)

    return arrange


def die_at_byte(number: int) -> Callable[[], None]:
    """Have the system kill this process when a file would grow over so many bytes."""

    def arrange() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (number, number))

    return arrange


def killed(folder: Path, arrange: Callable[[], None], step: int) -> bool:
    """Save in a child process that arranges its death; whether it died."""
    child = os.fork()
    if child == 0:
        try:
            arrange()
            save(str(folder), step)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def outcome(folder: Path, base: Path, arrange: Callable[[], None]) -> dict[str, object] | None:
    """What is there after a death and after the next save; None where it did not come to die."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(base, folder)
    if not killed(folder, arrange, NEW):
        return None
    found = loaded(str(folder))
    save(str(folder), NEXT)
    left = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return {"loaded": found, "left": left}


def kill_everywhere(folder: Path) -> None:
    """In a fresh process, since one whose threads have worked cannot fork."""
    torch.set_num_threads(1)
    base = folder / "base"
    for step in (5, BEFORE):
        save(str(base), step)
    outcomes: dict[str, list[dict[str, object]]] = {"event": [], "byte": []}
    number = 1
    while (found := outcome(folder / "checkpoints", base, die_at_event(number))) is not None:
        outcomes["event"].append(found)
        number += 1
    sizes = {path.stat().st_size for path in (base / "step-00000009").iterdir()}
    for size in sorted({0, 1, *(size - 1 for size in sizes if size), *(size // 2 for size in sizes)}):
        found = outcome(folder / "checkpoints", base, die_at_byte(size))
        assert found is not None
        outcomes["byte"].append(found)
    (folder / "outcomes.json").write_text(json.dumps(outcomes))


FILES = ["complete.json", "history.jsonl", "model.safetensors", "optimizer.safetensors", "state.json", "vocab.txt"]


@pytest.mark.slow
def test_wherever_a_save_is_killed_the_one_before_or_the_new_one_is_loaded_and_nothing_torn_stays(
    tmp_path: Path,
) -> None:
    process = multiprocessing.get_context("spawn").Process(target=kill_everywhere, args=[tmp_path])
    process.start()
    process.join()
    assert process.exitcode == 0
    outcomes = json.loads((tmp_path / "outcomes.json").read_text())
    assert len(outcomes["event"]) > 30
    assert len(outcomes["byte"]) > 8
    assert {found["loaded"] for found in outcomes["event"]} == {BEFORE, NEW}
    assert {found["loaded"] for found in outcomes["byte"]} == {BEFORE}
    for found in (*outcomes["event"], *outcomes["byte"]):
        stays = (found["loaded"], NEXT)
        assert found["left"] == [f"step-{step:08d}/{file}" for step in stays for file in FILES]


@pytest.mark.slow
def test_wherever_a_save_to_object_storage_ends_the_one_before_or_the_new_one_is_loaded(faulty: FaultyS3) -> None:
    found: list[int] = []
    for changes in range(100):
        uri = f"s3://bucket/{changes}"
        for step in (5, BEFORE):
            save(uri, step)
        faulty.changes_left = changes
        ended = False
        try:
            save(uri, NEW)
        except StorageError:
            ended = True
        faulty.misbehave()
        found.append(loaded(uri))
        save(uri, NEXT)
        assert storage.names(uri) == [f"step-{step:08d}" for step in (found[-1], NEXT)]
        assert all(storage.names(f"{uri}/step-{step:08d}") == FILES for step in (found[-1], NEXT))
        if not ended:
            break
    assert found == sorted(found)
    assert (found[0], found[-1]) == (BEFORE, NEW)
    assert len(found) > len(FILES)
