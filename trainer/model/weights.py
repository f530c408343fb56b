"""The tensors in files of weights: safetensors, or what `torch.save` wrote, whole or in shards.

A file that `torch.save` wrote is a pickle, and a pickle is a program. It is read with `weights_only`, which knows how
to put tensors together and refuses any other instruction; nothing in a stranger's file is ever executed.
"""

import json
import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from trainer import storage
from trainer.errors import CheckpointError

SAFETENSORS = "model.safetensors"
_WHOLE = (SAFETENSORS, "pytorch_model.bin")
_REMEDY = "copy or export the model again"
_INNER = ("model", "state_dict")
"""Where programs that save more than the weights (the optimizer, the epoch) put these."""
_NO_SENSE = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, TypeError, ValueError),
    zipfile.BadZipFile,
)
"""What torch raises where the bytes make no sense; most of it says as little."""


def find(names: list[str]) -> str | None:
    """The file of weights in a model directory that holds `names`, or the index of its shards; safetensors first."""
    return next((name for whole in _WHOLE for name in (whole, f"{whole}.index.json") if name in names), None)


def read(uri: str) -> dict[str, Tensor]:
    """The tensors of a file of weights, or of all shards that an index names; of files in the page cache, not copies.

    Raises:
        CheckpointError: torn, neither format, not weights alone, or a shard is missing.
        StorageError: it cannot be read.
    """
    if uri.endswith(".index.json"):
        return _sharded(uri)
    if uri.endswith(".safetensors"):
        return _safetensors(uri)
    return unpickled(storage.fetch(uri), uri)


def unpickled(path: Path, where: str) -> dict[str, Tensor]:
    """The tensors of a file that `torch.save` wrote: a state dict, or one below `model`. `where` is named in errors.

    Raises:
        CheckpointError: torn, something else, or it would have to be executed.
    """
    try:
        zipped = zipfile.is_zipfile(path)  # Before torch 1.6 it was none, and cannot be memory-mapped.
        if zipped and _compressed(path):
            raise CheckpointError(where, "compressed, which torch.save never does", "choose another file")
        with warnings.catch_warnings(action="ignore"):  # of a pickle in an unusual protocol, which it then refuses
            loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except pickle.UnpicklingError as error:
        raise _refusal(str(error), where) from error
    except FileNotFoundError as error:
        raise CheckpointError(where, "no such file", "check the spelling") from error
    except _NO_SENSE as error:
        raise CheckpointError(where, "torn, or not written by torch.save", _REMEDY) from error
    return _state_dict(loaded, where)


def _compressed(path: Path) -> bool:
    """Whether little may unpack to much."""
    with zipfile.ZipFile(path) as archive:
        return any(part.compress_type != zipfile.ZIP_STORED for part in archive.infolist())


def _refusal(message: str, where: str) -> CheckpointError:
    """Of what `weights_only` did not read."""
    called = re.search(r"GLOBAL ([\w.]+)", message)
    if called:
        problem = f"it would execute {called[1]}, which is not weights; nothing was executed"
        return CheckpointError(where, problem, "choose another file, best safetensors")
    return CheckpointError(where, "torn, or a pickle of something else than weights", _REMEDY)


def _state_dict(loaded: Any, where: str) -> dict[str, Tensor]:
    if isinstance(loaded, Mapping):
        loaded = next((loaded[name] for name in _INNER if isinstance(loaded.get(name), Mapping)), loaded)
    if not isinstance(loaded, Mapping) or not loaded:
        raise CheckpointError(where, f"holds a {type(loaded).__name__}, no weights by name", _REMEDY)
    for name, value in loaded.items():
        if not isinstance(value, Tensor):
            raise CheckpointError(where, f"{name} is a {type(value).__name__}, not a tensor", _REMEDY)
        if value.layout != torch.strided or value.untyped_storage().nbytes() < value.nbytes:
            raise CheckpointError(where, f"tensor {name} is not in the file whole", _REMEDY)
    return {str(name): tensor for name, tensor in loaded.items()}


def _safetensors(uri: str) -> dict[str, Tensor]:
    path = storage.fetch(uri)
    try:
        return safetensors.torch.load_file(path)
    except FileNotFoundError as error:
        raise CheckpointError(uri, "no such file", "check the spelling") from error
    except safetensors.SafetensorError as error:
        raise CheckpointError(uri, f"torn or not safetensors ({error})", _REMEDY) from error


def _sharded(uri: str) -> dict[str, Tensor]:
    """An index names the shard of every tensor; no other tensor is taken from a shard."""
    folder = uri.rpartition("/")[0]
    try:
        shards: dict[str, str] = dict(json.loads(storage.read_bytes(uri, storage.MOST_SETTINGS))["weight_map"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(uri, "not an index of shards", _REMEDY) from error
    tensors: dict[str, Tensor] = {}
    for shard in sorted(set(shards.values())):
        if not re.fullmatch(r"[\w-][\w.-]*\.(safetensors|bin)", str(shard)):
            raise CheckpointError(uri, f"{shard!r} is no name of a shard beside it", _REMEDY)
        where = storage.join(folder, shard)
        tensors |= read(where)
        lacking = next((name for name in shards if shards[name] == shard and name not in tensors), None)
        if lacking:
            raise CheckpointError(where, f"tensor {lacking} is missing", "copy all shards of one model")
    return {name: tensors[name] for name in shards}
