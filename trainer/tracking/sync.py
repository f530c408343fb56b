"""What the stages of a run have recorded for W&B, sent there: in the order of the steps, each step once.

    <stage>/wandb/offline-run-<time>-<id>/run-<id>.wandb   recorded without the server
    <stage>/wandb/run-<time>-<id>/run-<id>.wandb           sent while it was recorded, as far as the server took it
    ... .wandb.synced                                      empty: nothing of it is left to send

`wandb sync` does the sending. It is given a copy: it marks as sent what the server refused, too, and it appends the
steps that a stage did again, since it went back to a checkpoint, behind all others. The copy has only later steps than
the server, which is what W&B itself does with a stage that goes on online. So the order matters, and it is not that
of the names: a clock may be set back between two attempts, or be that of another node.
"""

import base64
import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import wandb
from wandb.sdk import wandb_setup

from trainer import storage
from trainer.errors import ConfigError, InputError
from trainer.tracking.transaction_log import TransactionLog

_PATIENCE = 15
"""Seconds for the server's answer to one request."""
_MOST_ANSWER = 16 << 20
"""Bytes of it."""

_LIMITS = {
    "WANDB_HTTP_TIMEOUT": str(_PATIENCE),
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

_QUERY = """query StageOnServer($entity: String, $project: String, $run: String!) {
  model(name: $project, entityName: $entity) { bucket(name: $run, missingOk: true) { state historyTail } }
}"""

_NOTHING_LOST = "nothing is lost, and the same command goes on"


@dataclass(frozen=True, slots=True)
class Recording:
    """A folder of W&B."""

    stage: str
    name: str
    folder: str
    """Its URI."""
    file: str
    """URI of its .wandb."""
    marked: bool
    """Nothing of it is left to send."""

    @property
    def online(self) -> bool:
        return not self.name.startswith("offline-")

    def __str__(self) -> str:
        return f"{self.stage}/wandb/{self.name}"


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a recording."""

    recording: Recording
    outcome: str

    def __str__(self) -> str:
        return f"{self.recording}: {self.outcome}"


@dataclass(frozen=True, slots=True)
class _Known:
    """What the server has of a W&B run."""

    last_step: int = -1
    state: str = ""


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
    server = None if all(each.marked for each in found) else _Server()
    for each in found:
        yield Sent(each, "sent before" if each.marked or server is None else _send(each, found, server, silence))


def recordings(folder: str, stages: Iterable[str]) -> list[Recording]:
    """Stage by stage; first what was sent, then what was not, in the order of its steps."""
    folders = {stage: storage.join(folder, stage, "wandb") for stage in stages}
    return [each for stage, place in folders.items() for each in sorted(_of_stage(stage, place), key=_order)]


def _order(recording: Recording) -> tuple[float, str]:
    return -1 if recording.marked else _log(recording).first_step, _by_clock(recording)


def _by_clock(recording: Recording) -> str:
    return recording.name.split("run-", 1)[1]


def _of_stage(stage: str, folder: str) -> Iterator[Recording]:
    for name in storage.names(folder):
        if not name.startswith(("run-", "offline-run-")):  # W&B's logs, and `latest-run`
            continue
        files = storage.names(storage.join(folder, name))
        for file in files:
            if file.endswith(".wandb"):
                here = storage.join(folder, name)
                yield Recording(stage, name, here, storage.join(here, file), f"{file}.synced" in files)


def _send(recording: Recording, found: Sequence[Recording], server: "_Server", silence: float) -> str:
    """What became of it."""
    log = _log(recording)
    if log.run is None:
        return "cannot be read"
    of_stage = [each for each in found if each.stage == recording.stage]
    last = {of_stage[-1], max(of_stage, key=_by_clock)}  # one of them may still be written to
    known = server.known(log.run)
    if known.state == "running" and any(each.online and not _log(each).ended for each in last):
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


def _log(recording: Recording) -> TransactionLog:
    return TransactionLog.of(storage.read_bytes(recording.file))


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
        raise InputError(str(recording), problem, _NOTHING_LOST)


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


def _whole(answer: http.client.HTTPResponse) -> bytes:
    """Raises: ValueError: it is too long."""
    data = answer.read(_MOST_ANSWER + 1)
    if len(data) > _MOST_ANSWER:
        raise ValueError(f"more than {_MOST_ANSWER >> 20} MiB")
    return data


class _Server:
    """W&B's, with the key that is configured."""

    def __init__(self) -> None:
        os.environ.setdefault("WANDB_SILENT", "true")
        if not wandb.login(prompt=False, verify=False):
            raise ConfigError("WANDB_API_KEY", "there is no key for W&B", "set it, or run `wandb login`")
        settings = wandb_setup.singleton().settings  # `wandb.setup` starts W&B's process, and lends it to `wandb sync`
        self.url = settings.base_url
        self._key = settings.api_key

    def known(self, run: Any) -> _Known:
        """What it has of a run.

        Raises:
            InputError: it does not answer, or refuses.
        """
        asked = {"entity": run.entity or None, "project": run.project, "run": run.run_id}
        answer = self._asked({"query": _QUERY, "operationName": "StageOnServer", "variables": asked})
        try:
            bucket = ((answer.get("data") or {}).get("model") or {}).get("bucket")
            if not bucket:
                return _Known()
            tail = [json.loads(line) for line in json.loads(bucket["historyTail"] or "[]")]
            return _Known(max((int(row.get("_step", -1)) for row in tail), default=-1), str(bucket["state"] or ""))
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            remedy = f"check WANDB_BASE_URL; {_NOTHING_LOST}"
            raise InputError(self.url, "what answers there does not speak as W&B", remedy) from error

    def _asked(self, question: dict[str, Any]) -> dict[str, Any]:
        """Without wandb-core, which would go on asking a server that is away, also when nobody waits any more."""
        key = base64.b64encode(f"api:{self._key}".encode()).decode()
        headers = {"Authorization": f"Basic {key}", "Content-Type": "application/json", "User-Agent": "berth"}
        request = urllib.request.Request(f"{self.url}/graphql", json.dumps(question).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=float(os.environ.get("WANDB_HTTP_TIMEOUT", _PATIENCE))) as got:
                return json.loads(_whole(got))
        except urllib.error.HTTPError as error:
            refused = error.code in (401, 403)
            problem = f"W&B refuses the key (HTTP {error.code})" if refused else f"W&B is not well (HTTP {error.code})"
            remedy = "check WANDB_API_KEY and what it may do" if refused else "wait a little"
            raise InputError(self.url, problem, f"{remedy}; {_NOTHING_LOST}") from error
        except (OSError, ValueError, RecursionError, http.client.HTTPException) as error:
            # Not reached, cut off, silent; not JSON; not HTTP.
            reason = getattr(error, "reason", None) or error
            remedy = f"check the network and WANDB_BASE_URL; {_NOTHING_LOST}"
            raise InputError(self.url, f"W&B does not answer ({reason})", remedy) from error
