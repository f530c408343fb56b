"""Rows of instances about an invented world, and the files in which NVIDIA's and MLPerf's scripts would store them."""

import io
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from trainer.data.given_instances import Given
from trainer.data.vocab import SPECIAL_PIECES
from trainer.data.world.articles import articles

PAD, UNK, CLS, SEP, MASK = range(5)


class Row(NamedTuple):
    """An instance: its true ids, and what was done to them."""

    tokens: list[int]
    first_length: int
    positions: list[int]
    shown: list[int]
    is_random: int

    @property
    def masked(self) -> list[int]:
        ids = list(self.tokens)
        for position, shown in zip(self.positions, self.shown, strict=True):
            ids[position] = shown
        return ids

    @property
    def labels(self) -> list[int]:
        return [self.tokens[position] for position in self.positions]

    @classmethod
    def of(cls, given: Given) -> "Row":
        lists = [values.tolist() for values in (given.tokens, given.masked_positions, given.shown_ids)]
        return cls(lists[0], given.first_length, lists[1], lists[2], given.next_sentence_label)


class World(NamedTuple):
    """Sentences as words, and all of the words."""

    pieces: list[str]
    texts: list[list[int]]

    @classmethod
    def of(cls, towns: int) -> "World":
        texts = [re.findall(r"\w+|[^\w\s]", article.context.lower()) for article in articles(0, towns, dev=False)]
        pieces = [*SPECIAL_PIECES, *sorted({word for text in texts for word in text})]
        numbers = {piece: number for number, piece in enumerate(pieces)}
        return cls(pieces, [[numbers[word] for word in text] for text in texts])

    def rows(self, number: int, max_length: int = 64, max_predictions: int = 10, seed: int = 0) -> list[Row]:
        """As create_pretraining_data.py makes them: 15 % masked, 80/10/10; half of the second segments random."""
        rng = random.Random(seed)
        return [self._row(rng, max_length, max_predictions) for _ in range(number)]

    def _row(self, rng: random.Random, max_length: int, max_predictions: int) -> Row:
        text, other = rng.sample(self.texts, 2)
        is_random = rng.random() < 0.5
        length = rng.randint(10, max_length - 3)
        a_end = rng.randint(1, min(len(text) - 1, length - 1))
        b = (other if is_random else text[a_end:])[: length - a_end]
        tokens = [CLS, *text[:a_end], SEP, *b, SEP]
        candidates = [position for position, token in enumerate(tokens) if token > MASK]
        count = min(max_predictions, max(1, round(len(tokens) * 0.15)), len(candidates))
        positions = sorted(rng.sample(candidates, count))
        fates = rng.choices(("mask", "keep", "random"), (8, 1, 1), k=count)
        shown = [
            {"mask": MASK, "keep": tokens[position], "random": rng.randrange(5, len(self.pieces))}[fate]
            for position, fate in zip(positions, fates, strict=True)
        ]
        return Row(tokens, a_end + 2, positions, shown, int(is_random))


def columns(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """The HDF5 layouts' keys, without padding."""
    return {
        "input_ids": [row.masked for row in rows],
        "input_mask": [[1] * len(row.tokens) for row in rows],
        "segment_ids": [[0] * row.first_length + [1] * (len(row.tokens) - row.first_length) for row in rows],
        "masked_lm_positions": [row.positions for row in rows],
        "masked_lm_ids": [row.labels for row in rows],
        "next_sentence_labels": [row.is_random for row in rows],
    }


def padded(rows: Sequence[Row], max_length: int = 64, max_predictions: int = 10) -> dict[str, np.ndarray]:
    """What NVIDIA's script writes."""
    kinds = {"input_ids": "i4", "masked_lm_positions": "i4", "masked_lm_ids": "i4"}
    arrays: dict[str, np.ndarray] = {}
    for key, values in columns(rows).items():
        kind = kinds.get(key, "i1")
        if key == "next_sentence_labels":
            arrays[key] = np.array(values, kind)
            continue
        width = max_predictions if key.startswith("masked") else max_length
        arrays[key] = np.array([value + [0] * (width - len(value)) for value in values], kind).reshape(-1, width)
    return arrays


def write_hdf5(path: Path, arrays: dict[str, np.ndarray], **options: Any) -> Path:
    with h5py.File(path, "w") as file:
        for key, values in arrays.items():
            file.create_dataset(key, data=values, compression="gzip", **options)
    return path


def write_dle(path: Path, rows: Sequence[Row], max_length: int = 64, max_predictions: int = 10) -> Path:
    return write_hdf5(path, padded(rows, max_length, max_predictions))


def write_mlperf(path: Path, rows: Sequence[Row]) -> Path:
    kinds = {"segment_ids": "i1"}
    with h5py.File(path, "w") as file:
        for key, values in columns(rows).items():
            if key == "next_sentence_labels":
                file.create_dataset(key, data=np.array(values, "i1"))
            elif key != "input_mask":
                kind = np.dtype(kinds.get(key, "i2"))
                dataset = file.create_dataset(key, (len(rows),), h5py.vlen_dtype(kind))
                for number, value in enumerate(values):
                    dataset[number] = np.array(value, kind)
    return path


def lddl(rows: Sequence[Row], pieces: list[str], *, static: bool = True) -> dict[str, Any]:
    """The columns that LDDL writes."""

    def words(ids: list[int]) -> str:
        return " ".join(pieces[number] for number in ids)

    shown = [row.masked if static else row.tokens for row in rows]
    table: dict[str, Any] = {
        "A": pa.array([words(ids[1 : row.first_length - 1]) for row, ids in zip(rows, shown, strict=True)]),
        "B": pa.array([words(ids[row.first_length : -1]) for row, ids in zip(rows, shown, strict=True)]),
        "is_random_next": pa.array([bool(row.is_random) for row in rows]),
        "num_tokens": pa.array([len(row.tokens) for row in rows], pa.uint16()),
    }
    if static:
        table["masked_lm_positions"] = pa.array([_npy(row.positions) for row in rows], pa.binary())
        table["masked_lm_labels"] = pa.array([words(row.labels) for row in rows])
    return table


def write_lddl(path: Path, rows: Sequence[Row], pieces: list[str], *, static: bool = True, group: int = 1000) -> Path:
    pq.write_table(pa.table(lddl(rows, pieces, static=static)), path, row_group_size=group)
    return path


def write_binned(folder: Path, rows: Sequence[Row], pieces: list[str], bin_size: int = 16) -> list[Row]:
    """A file for each bin of lengths, as LDDL names them; the rows in the order of the files."""
    folder.mkdir()
    bins: dict[int, list[Row]] = {}
    for row in rows:
        bins.setdefault((len(row.tokens) - 1) // bin_size, []).append(row)
    for number, of_bin in bins.items():
        table = pa.table(lddl(of_bin, pieces) | {"bin_id": pa.array([number] * len(of_bin), pa.int64())})
        pq.write_table(table, folder / f"part.0.parquet_{number}")
    (folder / ".num_samples.json").write_text("{}")
    return [row for number in sorted(bins) for row in bins[number]]


def _npy(positions: list[int]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array(positions, np.uint16))
    return stream.getvalue()
