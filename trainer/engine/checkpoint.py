"""Checkpoints of a stage on any storage, without pickle.

    checkpoints/step-00000500/
        model.safetensors  optimizer.safetensors  history.jsonl  state.json  vocab.txt
        complete.json       written last: the SHA-256 of every file above

A folder without `complete.json` is an interrupted save and is passed over; one whose files do not match it is torn and
is passed over with a warning. So is one of another configuration where an own one stands before it; where there are
only such, they are refused. Storage that is away for a while is waited for, and is never taken for an empty one.
"""

import contextlib
import hashlib
import json
import logging
import math
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from tokenizers import Tokenizer

from trainer import storage
from trainer.data import vocab
from trainer.engine import tensors
from trainer.engine.snapshot import Memory, Snapshot
from trainer.engine.state import State, Vigilance
from trainer.errors import CheckpointError, StorageError, StorageMissing
from trainer.optim import optimizers

log = logging.getLogger(__name__)

FORMAT = 3

_REMEDY = "give the run another name or delete the stage's folder"


def newest(uri: str) -> str | None:
    """The name of the newest checkpoint in a stage's folder that was saved to its end."""
    return next(reversed(_complete(uri)), None)


class Checkpoints:
    """The checkpoints in a stage's folder.

    Args:
        uri: the folder; it need not be there yet.
        fingerprint: of the configuration; see `Run.fingerprint`.
        keep: how many of the newest stay. Beside them stays the best: the first of those with the lowest held-out loss
            (`Task.held_out_loss`) at the last evaluation before them, in a stage that evaluates.
        patience_minutes: how long storage that is away is waited for.
    """

    def __init__(self, uri: str, fingerprint: str, keep: int, patience_minutes: float = 10) -> None:
        self.uri = uri
        self.fingerprint = fingerprint
        self.keep = keep
        self.patience_minutes = patience_minutes

    def save(self, state: State, tokenizer: Tokenizer) -> None:
        """Write the state under its step; see `write`."""
        self.write(Memory().snapshot(state, tokenizer))

    def write(self, snapshot: Snapshot, give_up: threading.Event | None = None) -> None:
        """Write a checkpoint, then delete what is over `keep` and what is left of interrupted saves. Call on one worker
        only, on one thread at a time.

        Args:
            snapshot: the state.
            give_up: ends the waiting for storage that is away.

        Raises:
            BerthError: a weight or a moment is not finite; nothing is written.
            StorageError: it cannot be written; nothing is left of it, and those before it stay.
        """
        folder = storage.join(self.uri, f"step-{snapshot.step:08d}")
        snapshot.refuse_what_is_not_finite(folder)
        try:
            storage.patiently(lambda: self._write(snapshot, folder), self.patience_minutes, give_up)
        except StorageError:
            with contextlib.suppress(StorageError):
                storage.remove(folder)
            raise
        log.info("checkpoint: step %d", snapshot.step)
        storage.patiently(lambda: self._prune(snapshot.step), self.patience_minutes, give_up)

    def load_latest(self, state: State, *, good: bool = False) -> bool:
        """Fill the state from the newest whole checkpoint; False where there is none.

        Args:
            state: of the same model.
            good: pass over those that were saved amid bad steps.

        Raises:
            CheckpointError: there are only checkpoints of another configuration.
            StorageError: the storage does not let us look.
        """
        with self._as_saved():
            files = self._latest(good=good)
            if files is None:
                return False
            _load(files, state)
        return True

    def remove_after(self, step: int) -> None:
        """Delete the checkpoints of later steps. Call on one worker only."""
        for checkpoint in self._own(_complete(self.uri)):
            if checkpoint.step > step:
                storage.patiently(checkpoint.remove, self.patience_minutes)

    def load_best_weights(self, state: State) -> None:
        """Fill the model with the weights of the best whole checkpoint; where none was evaluated it stays as it is.

        Raises:
            StorageError: the storage does not let us look.
        """
        with self._as_saved():
            if files := storage.patiently(self._best_whole, self.patience_minutes):
                state.model.load_state_dict(load_file(files["model.safetensors"]))

    def load_weights_and_moments(self, state: State) -> None:
        """Fill a fresh state from the newest checkpoint of the phase before, as NVIDIA's second phase does: the
        optimizer keeps its moments, steps and schedule begin anew.

        Raises:
            CheckpointError: there is none, or it is of another configuration.
        """
        with self._as_saved():
            files = self._latest()
            if files is None:
                raise CheckpointError(self.uri, "no whole checkpoint of the phase before", "delete that stage's folder")
            _load_tensors(files, state, updates=0)

    @contextlib.contextmanager
    def _as_saved(self) -> Generator[None]:
        """Refuse what is whole by its sums and still not what is saved here: somebody else made both."""
        try:
            yield
        except torch.OutOfMemoryError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, SafetensorError) as error:
            problem = f"a checkpoint holds what Berth does not save ({' '.join(repr(error).split())[:200]})"
            raise CheckpointError(self.uri, problem, "delete the stage's folder") from error

    def _write(self, snapshot: Snapshot, folder: str) -> None:
        storage.remove(folder)
        hashes: dict[str, str] = {}
        for name, write in self._writers(snapshot).items():
            with storage.new_file(storage.join(folder, name)) as path:
                hashes[name] = write(path)
        storage.write_text(storage.join(folder, "complete.json"), json.dumps({"sha256": hashes}, indent=1))

    def _writers(self, snapshot: Snapshot) -> dict[str, Callable[[Path], str]]:
        figures = {"format": FORMAT, "fingerprint": self.fingerprint, **snapshot.figures}
        pieces = vocab.pieces(snapshot.tokenizer)
        return {
            "model.safetensors": lambda path: tensors.write(path, snapshot.model),
            "optimizer.safetensors": lambda path: tensors.write(path, snapshot.moments),
            "history.jsonl": lambda path: _write(path, "".join(json.dumps(point) + "\n" for point in snapshot.history)),
            "state.json": lambda path: _write(path, json.dumps(figures, indent=1)),
            "vocab.txt": lambda path: _write(path, "".join(f"{piece}\n" for piece in pieces)),
        }

    def _prune(self, step: int) -> None:
        """Delete the oldest, those of later steps, which were passed over, and what is left of interrupted saves."""
        saves = _saves(self.uri)
        complete = [name for name in saves if _is_complete(self.uri, name)]
        own = list(self._own(complete))
        before = [checkpoint for checkpoint in own if checkpoint.step <= step]
        stay = {checkpoint.uri for checkpoint in before[-self.keep :]}
        stay |= {checkpoint.uri for checkpoint in _from_the_best(before)[:1]}
        for checkpoint in own:
            if checkpoint.uri not in stay:
                checkpoint.remove()
        for name in saves:
            if name not in complete:
                storage.remove(storage.join(self.uri, name))

    def _own(self, names: list[str]) -> "Iterator[_Checkpoint]":
        """Those of this configuration among complete ones, from the oldest; their files may be torn."""
        for name in names:
            folder = storage.join(self.uri, name)
            with contextlib.suppress(ValueError, StorageMissing):  # torn, or deleted by now
                figures = json.loads(storage.read_bytes(storage.join(folder, "state.json")))
                if self._is_own(figures):
                    loss = figures["held_out_loss"]
                    yield _Checkpoint(folder, figures["step"], math.inf if loss is None else loss)

    def _is_own(self, figures: Any) -> bool:
        return (figures.get("format"), figures.get("fingerprint")) == (FORMAT, self.fingerprint)

    def _latest(self, *, good: bool = False) -> dict[str, Path] | None:
        return storage.patiently(lambda: self._newest_whole(good=good), self.patience_minutes)

    def _best_whole(self) -> dict[str, Path] | None:
        for checkpoint in _from_the_best(self._own(_complete(self.uri))):
            try:
                return _verified(checkpoint.uri)
            except (CheckpointError, StorageMissing) as error:
                log.warning("passed over a torn checkpoint: %s", error)
        return None

    def _newest_whole(self, *, good: bool) -> dict[str, Path] | None:
        foreign: list[str] = []
        for name in reversed(_complete(self.uri)):
            folder = storage.join(self.uri, name)
            try:
                files = _verified(folder)
            except (CheckpointError, StorageMissing) as error:
                log.warning("passed over a torn checkpoint: %s", error)
                continue
            figures = json.loads(files["state.json"].read_text())
            if not self._is_own(figures):
                foreign.append(folder)
            elif not (good and figures["vigilance"]["bad_in_row"]):
                for other in foreign:
                    log.warning("passed over a checkpoint of another configuration: %s", other)
                return files
        if foreign:
            raise CheckpointError(foreign[0], "it belongs to another configuration", _REMEDY)
        return None


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    uri: str
    step: int
    held_out_loss: float

    def remove(self) -> None:
        """The marker first: what a killed process leaves is an interrupted one, not a torn one."""
        storage.remove(storage.join(self.uri, "complete.json"))
        storage.remove(self.uri)


def _from_the_best(checkpoints: Iterable[_Checkpoint]) -> list[_Checkpoint]:
    """Those that were evaluated; of equal ones the older first."""
    evaluated = [checkpoint for checkpoint in checkpoints if math.isfinite(checkpoint.held_out_loss)]
    return sorted(evaluated, key=lambda checkpoint: checkpoint.held_out_loss)


def _complete(uri: str) -> list[str]:
    return [name for name in _saves(uri) if _is_complete(uri, name)]


def _saves(uri: str) -> list[str]:
    """Of whatever end, from the oldest."""
    return [name for name in storage.names(uri) if name.startswith("step-")]


def _is_complete(uri: str, name: str) -> bool:
    return storage.exists(storage.join(uri, name, "complete.json"))


def _load(files: dict[str, Path], state: State) -> None:
    figures = json.loads(files["state.json"].read_text())
    state.step = figures["step"]
    state.tokens = figures["tokens"]
    state.seconds = figures["seconds"]
    state.vigilance = Vigilance(**figures["vigilance"])
    state.held_out_loss = figures["held_out_loss"]
    state.history = [json.loads(line) for line in files["history.jsonl"].read_text().splitlines()]
    _load_tensors(files, state, figures["updates"])


def _load_tensors(files: dict[str, Path], state: State, updates: int) -> None:
    state.model.load_state_dict(load_file(files["model.safetensors"]))
    moments = files["optimizer.safetensors"]
    optimizers.load_state_tensors(state.optimizer, state.model, load_file(moments), updates, str(moments))


def _write(path: Path, text: str) -> str:
    data = text.encode()
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def _verified(folder: str) -> dict[str, Path]:
    try:
        hashes: dict[str, str] = json.loads(storage.read_bytes(storage.join(folder, "complete.json")))["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(folder, "complete.json cannot be read", "delete the folder") from error
    files = {name: storage.fetch(storage.join(folder, name)) for name in hashes}
    for name, expected in hashes.items():
        if not files[name].exists() or _sha256(files[name], folder) != expected:
            raise CheckpointError(folder, f"{name} is not what was saved", "delete the folder")
    return files


def _sha256(file: Path, folder: str) -> str:
    with storage.explained(storage.join(folder, file.name), "read"), file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
