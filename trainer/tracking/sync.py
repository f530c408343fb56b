"""Sends what the stages of a run have recorded for W&B there: in the order of the steps, each step once.

`wandb sync` does the sending. It is given a copy: it marks as sent what the server refused, too, and it appends the
steps that a stage did again, since it went back to a checkpoint, behind all others. The copy has only later steps than
the server, which is what W&B itself does with a stage that goes on online.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer import storage
from trainer.errors import InputError
from trainer.tracking.recordings import Recording, recordings
from trainer.tracking.wandb_server import NOTHING_LOST, PATIENCE, Server

_LIMITS = {
    "WANDB_HTTP_TIMEOUT": str(PATIENCE),
    "WANDB__GRAPHQL_RETRY_MAX": "3",
    "WANDB__FILE_STREAM_RETRY_MAX": "3",
    "WANDB__FILE_STREAM_TIMEOUT_SECONDS": "30",
    "WANDB__FILE_TRANSFER_RETRY_MAX": "3",
    "WANDB__FILE_TRANSFER_TIMEOUT_SECONDS": "60",
    "WANDB_ERROR_REPORTING": "false",
}
"""Of `wandb sync`, which would otherwise ask for half an hour. Whoever sets them has set them."""

_SILENCE = 300.0
"""Seconds."""
_LOOKING = 0.1
"""Seconds between two looks at what `wandb sync` says."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a recording."""

    recording: Recording
    outcome: str

    def __str__(self) -> str:
        return f"{self.recording}: {self.outcome}"


def sync(folder: str, stages: Iterable[str], silence: float = _SILENCE) -> Iterator[Sent]:
    """Send what is left to send, one recording after another; `silence` is how long nothing may be heard of it.

    Raises:
        ConfigError: there is no key.
        InputError: nothing was recorded; the server does not answer, or refuses.
        StorageError: the run's folder cannot be read or written.
    """
    found = recordings(folder, stages)
    if not found:
        remedy = "check `storage` and `name`; `tracking.wandb: disabled` records nothing"
        raise InputError(folder, "there are no records for W&B", remedy)
    server = None if all(each.marked for each in found) else Server()
    for each in found:
        yield Sent(each, "sent before" if each.marked or server is None else _send(each, found, server, silence))


def _send(recording: Recording, found: Sequence[Recording], server: Server, silence: float) -> str:
    """What became of it."""
    log = recording.log()
    if log.run is None:
        return "cannot be read"
    of_stage = [each for each in found if each.stage == recording.stage]
    last = {of_stage[-1], max(of_stage, key=lambda each: each.started)}  # one of them may still be written to
    known = server.known(log.run)
    if known.state == "running" and any(each.online and not each.log().ended for each in last):
        return "W&B says that it is running, and takes it from there"
    new = {step for step in log.steps if step > known.last_step}
    if recording.online and not new and (known.state == "finished" or not log.began):
        outcome = "nothing is left to send"
    elif not new and not log.ended:
        outcome = "nothing new"
    else:
        with tempfile.TemporaryDirectory(prefix="berth-") as place:
            _sent(_copy(recording, log.with_steps(new), Path(place)), recording, server.url, silence)
        outcome = f"{len(new):,} steps sent" if new else "summary sent"
    if log.ended or recording not in last:
        storage.write_bytes(f"{recording.file}.synced", b"")
    return outcome


def _copy(recording: Recording, log: bytes, place: Path) -> Path:
    """The folder with another log; W&B writes to its files as it sends them."""
    copy = place / recording.name
    (copy / "files").mkdir(parents=True)
    (copy / recording.file.rsplit("/", 1)[-1]).write_bytes(log)
    for file in storage.matching(storage.join(recording.folder, "files")):
        target = copy / "files" / file.rpartition(f"{recording.name}/files/")[2]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(storage.fetch(file), target)
    return copy


def _sent(copy: Path, recording: Recording, url: str, silence: float) -> None:
    """Send a copy.

    Raises:
        InputError: W&B has not taken all of it.
    """
    output = copy.parent / "output"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "wandb", "sync", "--include-online", str(copy)],
            env=_environment(copy.parent),
            stdin=subprocess.DEVNULL,  # it asks for a key otherwise
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    try:
        complaint = _complaint(process, output, silence)
    finally:
        _end(process)
    if complaint or not [*copy.glob("*.synced")]:
        problem = f"{url} has not taken all of it ({complaint or 'no reason given'})"
        raise InputError(str(recording), problem, NOTHING_LOST)


def _environment(place: Path) -> dict[str, str]:
    """Of `wandb sync`: it has a process of its own in Go, whatever runs here, and its logs are at `place`."""
    folders = {f"WANDB_{kind}_DIR": str(storage.cache_folder() / "wandb") for kind in ("CACHE", "DATA")}
    inherited = {name: value for name, value in os.environ.items() if name != "WANDB_SERVICE"}
    own = {"WANDB_MODE": "online", "WANDB_SILENT": "false", "WANDB_DIR": str(place)}
    return _LIMITS | folders | inherited | own


def _complaint(process: subprocess.Popen[bytes], output: Path, silence: float) -> str:
    """What `wandb sync` says went wrong, as soon as it does; its exit code is 0 whatever happens."""
    heard, said = time.monotonic(), ""
    while True:
        ended = process.poll() is not None
        before, said = said, output.read_text(errors="replace")
        lines = [line.removeprefix("wandb: ") for line in said.splitlines()]
        if error := next((line.removeprefix("ERROR ") for line in lines if line.startswith("ERROR ")), ""):
            return error
        if ended:
            return lines[-1] if process.returncode and lines else ""
        if said != before:
            heard = time.monotonic()
        elif time.monotonic() - heard > silence:
            return f"nothing was heard for {silence:.0f} s"
        time.sleep(_LOOKING)


def _end(process: subprocess.Popen[bytes]) -> None:
    """If it has not ended, with its process in Go, which otherwise goes on for a while, beside the next attempt."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")  # there is no such list but on Linux
    with contextlib.suppress(OSError):
        for child in children.read_text().split():
            os.kill(int(child), signal.SIGKILL)
    process.kill()
    process.wait()
