"""HDF5 files of NVIDIA's DeepLearningExamples and NeMo (rows padded), and of MLPerf (rows of their own lengths).

key                    padded      MLPerf
input_ids              i4 (N, S)   (N,) of i2     masked; NVIDIA's S and P are 128 and 20, or 512 and 80
input_mask             i1 (N, S)   -              1 for tokens, 0 for padding
segment_ids            i1 (N, S)   (N,) of i1     0 for [CLS] A [SEP], 1 for B [SEP]
masked_lm_positions    i4 (N, P)   (N,) of i2     0 behind the last one
masked_lm_ids          i4 (N, P)   (N,) of i2     the true ids there
next_sentence_labels   i1 (N,)     i1 (N,)        1: B is random
"""

import contextlib
from collections.abc import Generator
from typing import Any

import h5py
import numpy as np

from trainer import storage
from trainer.data.preprocessed.rows import Integers, Padded, Vocabulary, at, padded
from trainer.data.unpacking import refuse_bomb
from trainer.errors import DataError

_KEYS = ("input_ids", "input_mask", "segment_ids", "masked_lm_positions", "masked_lm_ids", "next_sentence_labels")
_BLOCK = 2048
"""Rows read at once, unless they are compressed in larger chunks."""
_LARGEST_BLOCK = 1 << 16
_REMEDY = "check corpus.sources, or make the data anew"


def blocks(uri: str) -> list[int]:
    """The numbers of rows that are best read at once, from the first row to the last.

    Raises:
        DataError: not an HDF5 file, or not one of these.
        StorageError: it cannot be read.
    """
    with _opened(uri) as file:
        ids = _datasets(uri, file)["input_ids"]
        chunk = min(ids.chunks[0], _LARGEST_BLOCK) if ids.chunks else 1
        block = max(chunk, _BLOCK // chunk * chunk)
        return [min(block, len(ids) - start) for start in range(0, len(ids), block)]


def read(uri: str, start: int, end: int, _vocabulary: Vocabulary) -> Padded:
    """Rows `start` to `end` (left out) of a file.

    Raises:
        DataError, StorageError: as `blocks`; also where segments are not 0 and then 1.
    """
    with _opened(uri) as file:
        rows = {key: dataset[start:end] for key, dataset in _datasets(uri, file).items()}
    lengths = _lengths(uri, start, rows)
    input_ids, segment_ids, positions, labels = (
        _matrix(rows[key]) for key in ("input_ids", "segment_ids", "masked_lm_positions", "masked_lm_ids")
    )
    for of_ids, other, key in ((input_ids, segment_ids, "segment_ids"), (positions, labels, "masked_lm_ids")):
        if of_ids.shape != other.shape:
            problem = f"{key} of rows {start} to {end - 1} has the shape {other.shape}, not {of_ids.shape}"
            raise DataError(uri, problem, _REMEDY)
    is_token = np.arange(input_ids.shape[1]) < lengths[:, None]
    first_lengths = ((segment_ids == 0) & is_token).sum(axis=1)
    is_second = is_token & (np.arange(input_ids.shape[1]) >= first_lengths[:, None])
    _refuse(((segment_ids != is_second) & is_token).any(axis=1), uri, start, "segment_ids is not 0 and then 1")
    return Padded(input_ids, lengths, first_lengths, positions, labels, rows["next_sentence_labels"])


def _lengths(uri: str, start: int, rows: dict[str, Any]) -> Integers:
    mask = rows.get("input_mask")
    if mask is None:
        return np.array([len(row) for row in rows["input_ids"]], np.int64)
    lengths = mask.sum(axis=1, dtype=np.int64)
    is_token = np.arange(mask.shape[1]) < lengths[:, None]
    _refuse((mask != is_token).any(axis=1), uri, start, "input_mask is not 1 and then 0")
    return lengths


def _refuse(is_wrong: Any, uri: str, start: int, problem: str) -> None:
    if is_wrong.any():
        raise DataError(at(uri, start + int(is_wrong.argmax())), problem, _REMEDY)


def _matrix(rows: Any) -> Integers:
    """(N, S) as it is, or padded; signed, so that differences are."""
    if rows.ndim == 2:
        return rows.astype(np.int64)
    return padded(np.concatenate(list(rows)).astype(np.int64), np.array([len(row) for row in rows], np.int64))


@contextlib.contextmanager
def _opened(uri: str) -> Generator[h5py.File]:
    path = storage.fetch(uri)
    try:
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except (OSError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise DataError(uri, f"not a whole HDF5 file ({reason})", "copy it again, or check corpus.sources") from error


def _datasets(uri: str, file: h5py.File) -> dict[str, Any]:
    """The data sets of a file, checked for names, kinds and shapes."""
    is_own = {str(key): isinstance(file.get(key, getlink=True), h5py.HardLink) for key in file}  # no link elsewhere
    found: dict[str, Any] = {key: file[key] for key, own in is_own.items() if own}
    found = {key: value for key, value in found.items() if isinstance(value, h5py.Dataset) and value.shape}
    is_ragged = "input_ids" in found and h5py.check_vlen_dtype(found["input_ids"].dtype) is not None
    missing = [key for key in _KEYS if key not in found and not (is_ragged and key == "input_mask")]
    if missing:
        there = ", ".join(found) or "nothing"
        raise DataError(uri, f"there is no {missing[0]} in it, there is {there}", _REMEDY)
    tokens, predictions = found["input_ids"].shape, found["masked_lm_positions"].shape
    shapes = dict.fromkeys(_KEYS[:3], tokens) | dict.fromkeys(_KEYS[3:5], predictions) | {_KEYS[5]: tokens[:1]}
    if is_ragged:
        found.pop("input_mask", None)
    for key in (key for key in _KEYS if key in found):
        shape, width = found[key].shape, 1 if is_ragged or key == "next_sentence_labels" else 2
        if shape != shapes[key] or len(shape) != width or shape[0] != tokens[0]:
            raise DataError(uri, f"{key} has the shape {shape}, and input_ids has {tokens}", _REMEDY)
        kind: Any = found[key].dtype
        if is_ragged and key != "next_sentence_labels":
            kind = h5py.check_vlen_dtype(kind)
        if kind is None or kind.kind not in "iub":
            raise DataError(uri, f"{key} holds {found[key].dtype}, not whole numbers", _REMEDY)
        if found[key].external or found[key].is_virtual:
            raise DataError(uri, f"{key} lies in another file", "do not use this file")
    datasets = {key: found[key] for key in _KEYS if key in found}
    refuse_bomb(uri, file.id.get_filesize(), sum(dataset.nbytes for dataset in datasets.values()))
    return datasets
