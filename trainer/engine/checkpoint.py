"""Checkpoints of a stage on any storage, without pickle.

    checkpoints/step-00000500/
        model.safetensors  optimizer.safetensors  history.jsonl  state.json  vocab.txt
        complete.json       written last: the SHA-256 of every file above

A folder without `complete.json` is an interrupted save and is passed over; one whose files do not match it is torn
and is passed over with a warning. A checkpoint of another configuration is refused.
"""

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import load_file, save
from tokenizers import Tokenizer

from trainer import storage
from trainer.data import vocab
from trainer.engine.state import State, Vigilance
from trainer.errors import BerthError, CheckpointError, StorageError
from trainer.optim import optimizers

log = logging.getLogger(__name__)

FORMAT = 2


def newest(uri: str) -> str | None:
    """The name of the newest checkpoint in a stage's folder that was saved to its end."""
    return next(reversed(_complete(uri)), None)


class Checkpoints:
    """The checkpoints in a stage's folder.

    Args:
        uri: the folder; it need not be there yet.
        fingerprint: of the configuration; see `Run.fingerprint`.
        keep: how many of the newest stay.
    """

    def __init__(self, uri: str, fingerprint: str, keep: int) -> None:
        self.uri = uri
        self.fingerprint = fingerprint
        self.keep = keep

    def save(self, state: State, tokenizer: Tokenizer) -> None:
        """Write the state under its step, then delete the oldest over `keep`. Call on one worker only.

        Raises:
            BerthError: a weight or a moment is not finite; nothing is written.
        """
        folder = storage.join(self.uri, f"step-{state.step:08d}")
        writers = _writers(state, tokenizer, self.fingerprint, folder)
        storage.remove(folder)
        hashes: dict[str, str] = {}
        for name, write in writers.items():
            with storage.new_file(storage.join(folder, name)) as path:
                write(path)
                hashes[name] = _sha256(path)
        storage.write_text(storage.join(folder, "complete.json"), json.dumps({"sha256": hashes}, indent=1))
        for old in _complete(self.uri)[: -self.keep]:
            storage.remove(storage.join(self.uri, old))

    def load_latest(self, state: State, *, good: bool = False) -> bool:
        """Fill the state from the newest whole checkpoint; False where there is none.

        Args:
            good: pass over those that were saved amid bad steps.

        Raises:
            CheckpointError: the checkpoint is of another configuration.
        """
        files = self._latest(good=good)
        if files is None:
            return False
        _load(files, state)
        return True

    def remove_after(self, step: int) -> None:
        """Delete the checkpoints of later steps. Call on one worker only."""
        for name in _complete(self.uri):
            if int(name.removeprefix("step-")) > step:
                storage.remove(storage.join(self.uri, name))

    def load_weights_and_moments(self, state: State) -> None:
        """Fill a fresh state from the newest checkpoint of the phase before, as NVIDIA's second phase does: the
        optimizer keeps its moments, steps and schedule begin anew.

        Raises:
            CheckpointError: there is none, or it is of another configuration.
        """
        files = self._latest()
        if files is None:
            raise CheckpointError(self.uri, "no whole checkpoint of the phase before", "delete that stage's folder")
        _load_tensors(files, state, updates=0)

    def _latest(self, *, good: bool = False) -> dict[str, Path] | None:
        for name in reversed(_complete(self.uri)):
            folder = storage.join(self.uri, name)
            try:
                files = _verified(folder)
            except (CheckpointError, StorageError) as error:
                log.warning("passed over a torn checkpoint: %s", error)
                continue
            figures = json.loads(files["state.json"].read_text())
            if (figures["format"], figures["fingerprint"]) != (FORMAT, self.fingerprint):
                raise CheckpointError(
                    folder,
                    "it belongs to another configuration",
                    "give the run another name or delete the stage's folder",
                )
            if not (good and figures["vigilance"]["bad_in_row"]):
                return files
        return None


def _complete(uri: str) -> list[str]:
    steps = [name for name in storage.names(uri) if name.startswith("step-")]
    return [name for name in steps if storage.exists(storage.join(uri, name, "complete.json"))]


def _load(files: dict[str, Path], state: State) -> None:
    figures = json.loads(files["state.json"].read_text())
    state.step = figures["step"]
    state.tokens = figures["tokens"]
    state.seconds = figures["seconds"]
    state.vigilance = Vigilance(**figures["vigilance"])
    state.history = [json.loads(line) for line in files["history.jsonl"].read_text().splitlines()]
    _load_tensors(files, state, figures["updates"])


def _load_tensors(files: dict[str, Path], state: State, updates: int) -> None:
    state.model.load_state_dict(load_file(files["model.safetensors"]))
    moments = files["optimizer.safetensors"]
    optimizers.load_state_tensors(state.optimizer, state.model, load_file(moments), updates, str(moments))


def _writers(state: State, tokenizer: Tokenizer, fingerprint: str, folder: str) -> dict[str, Callable[[Path], object]]:
    figures = {
        "format": FORMAT,
        "fingerprint": fingerprint,
        "step": state.step,
        "updates": optimizers.updates(state.optimizer),
        "tokens": state.tokens,
        "seconds": state.seconds,
        "vigilance": asdict(state.vigilance),
    }
    model = _on_host(dict(state.model.state_dict()))
    moments = _on_host(optimizers.state_tensors(state.optimizer, state.model))
    _refuse_what_is_not_finite({**model, **moments}, folder)
    history = "".join(json.dumps(record) + "\n" for record in state.history)
    pieces = vocab.pieces(tokenizer)
    return {
        # Not save_file: on a full disk it raises an error of its own, not an OSError.
        "model.safetensors": lambda path: path.write_bytes(save(model)),
        "optimizer.safetensors": lambda path: path.write_bytes(save(moments)),
        "history.jsonl": lambda path: path.write_text(history),
        "state.json": lambda path: path.write_text(json.dumps(figures, indent=1)),
        "vocab.txt": lambda path: path.write_text("".join(f"{piece}\n" for piece in pieces), encoding="utf-8"),
    }


def _refuse_what_is_not_finite(tensors: dict[str, torch.Tensor], folder: str) -> None:
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise BerthError(f"{folder}: not saved, {name} is not finite; start from a sound model or at a lower rate")


def _on_host(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def _verified(folder: str) -> dict[str, Path]:
    try:
        hashes: dict[str, str] = json.loads(storage.read_text(storage.join(folder, "complete.json")))["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(folder, "complete.json cannot be read", "delete the folder") from error
    files = {name: storage.fetch(storage.join(folder, name)) for name in hashes}
    for name, expected in hashes.items():
        if not files[name].exists() or _sha256(files[name]) != expected:
            raise CheckpointError(folder, f"{name} is not what was saved", "delete the folder")
    return files


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
