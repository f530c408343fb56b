"""Rows as others store them, padded -> columns of our own shards, checked, with the masks undone.

A row that is given is never changed without a word: what does not look like `[CLS] A [SEP] B [SEP]` in the ids of the
run's vocabulary is refused, with file and row. All is done for a block of rows at once.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from trainer.data.shards import id_type, lists
from trainer.data.vocab import SpecialIds
from trainer.errors import DataError

Integers = NDArray[np.signedinteger[Any]]
Booleans = NDArray[np.bool_]

OTHER_VOCABULARY = "set vocab.path to the vocabulary that the data was made with"
_LONGEST = 1 << 16


class Vocabulary(NamedTuple):
    """The run's vocabulary."""

    pieces: tuple[str, ...]
    """In the order of their ids."""
    special: SpecialIds


class Padded(NamedTuple):
    """N rows, padded to S tokens and P predictions."""

    input_ids: Integers
    """(N, S) as the model is to see them: masked where the data was masked."""
    lengths: Integers
    """(N,) tokens in front of the padding."""
    first_lengths: Integers
    """(N,) tokens of the first segment, [CLS] and [SEP] included."""
    masked_positions: Integers
    """(N, P); the first 0, where [CLS] stands, ends them."""
    labels: Integers
    """(N, P) the true ids there."""
    next_sentence_labels: Integers
    """(N,) 1: the second segment is random."""


def padded(flat: NDArray[Any], lengths: Integers) -> NDArray[Any]:
    """Rows (sum of lengths,) one after the other -> (N, S) with zeros behind each."""
    matrix = np.zeros((lengths.size, int(lengths.max(initial=0))), flat.dtype)
    matrix[np.arange(matrix.shape[1]) < lengths[:, None]] = flat
    return matrix


def instances(rows: Padded, vocabulary: Vocabulary, uri: str, first_row: int, *, keep: bool) -> Any:
    """Check a block of rows and undo their masks.

    Args:
        rows: the block.
        vocabulary: that of the run.
        uri: the file, for errors.
        first_row: which row of the file the block begins with; rows are counted from 0.
        keep: whether the masks are to be trained on, so that a row without any is refused.

    Returns:
        An Arrow record batch with, for each row, the true ids `tokens` (L,), `first_length`, `masked_positions` (P,),
        the ids `shown_ids` (P,) that stood there, and `next_sentence_label`.

    Raises:
        DataError: a row is not what it should be, or of another vocabulary; the first one is named.
    """
    check = _Check(uri, first_row, vocabulary)
    check.lengths(rows)
    is_token = np.arange(rows.input_ids.shape[1]) < rows.lengths[:, None]
    is_masked = np.logical_and.accumulate(rows.masked_positions != 0, axis=1)
    check.ids(rows.input_ids, is_token)
    check.ids(rows.labels, is_masked)
    check.positions(rows, is_masked, keep)
    check.special_pieces(rows)
    check.next_sentence_labels(rows.next_sentence_labels)
    row, column = np.nonzero(is_masked)
    place = (row, rows.masked_positions[row, column])
    shown = rows.input_ids[place]
    tokens = rows.input_ids.copy()
    tokens[place] = rows.labels[row, column]
    dtype = id_type(len(vocabulary.pieces))
    predictions = is_masked.sum(axis=1)
    return pa.record_batch(
        {
            "tokens": lists(tokens[is_token].astype(dtype), rows.lengths),
            "first_length": rows.first_lengths.astype(np.uint16),
            "masked_positions": lists(place[1].astype(np.uint16), predictions),
            "shown_ids": lists(shown.astype(dtype), predictions),
            "next_sentence_label": rows.next_sentence_labels.astype(np.int8),
        }
    )


class _Check:
    def __init__(self, uri: str, first_row: int, vocabulary: Vocabulary) -> None:
        self._uri = uri
        self._first_row = first_row
        self._size = len(vocabulary.pieces)
        self._special = vocabulary.special

    def lengths(self, rows: Padded) -> None:
        self._all((rows.lengths >= 2) & (rows.lengths < _LONGEST), rows.lengths, "has {} tokens", "make the data anew")
        in_range = (rows.first_lengths >= 1) & (rows.first_lengths <= rows.lengths)
        self._all(in_range, rows.first_lengths, "has a first segment of {} tokens", "make the data anew")

    def ids(self, ids: Integers, is_there: Booleans) -> None:
        is_known = (ids >= 0) & (ids < self._size) | ~is_there
        problem = f"has the id {{}}, and the vocabulary has {self._size} pieces"
        self._all(is_known, ids, problem, OTHER_VOCABULARY)

    def positions(self, rows: Padded, is_masked: Booleans, keep: bool) -> None:
        positions = rows.masked_positions
        inside = (positions > 0) & (positions < rows.lengths[:, None]) | ~is_masked
        self._all(inside, positions, "is masked at {}, which is no position in it", "make the data anew")
        rising = np.diff(positions, axis=1) > 0
        problem = "is masked at {} after a higher position, or the same"
        self._all(rising | ~is_masked[:, 1:], positions[:, 1:], problem, "make the data anew")
        if keep:
            counts = is_masked.sum(axis=1)
            self._all(counts > 0, counts, "has {} masks, and corpus.sources says to keep them", "set masks to draw")

    def special_pieces(self, rows: Padded) -> None:
        first, last = rows.input_ids[:, 0], rows.input_ids[np.arange(rows.lengths.size), rows.lengths - 1]
        problem = f"begins with the id {{}}, and [CLS] is {self._special.cls}"
        self._all(first == self._special.cls, first, problem, OTHER_VOCABULARY)
        problem = f"ends with the id {{}}, and [SEP] is {self._special.sep}"
        self._all(last == self._special.sep, last, problem, OTHER_VOCABULARY)

    def next_sentence_labels(self, labels: Integers) -> None:
        is_known = (labels == 0) | (labels == 1)
        self._all(is_known, labels, "has the next-sentence label {}, neither 0 nor 1", "make the data anew")

    def _all(self, is_right: Booleans, values: Integers, problem: str, remedy: str) -> None:
        """Refuse the first row with a value that is not right."""
        wrong = np.argwhere(~is_right)
        if wrong.size:
            place: Sequence[int] = wrong[0].tolist()
            raise DataError(at(self._uri, self._first_row + place[0]), problem.format(values[tuple(place)]), remedy)


def at(uri: str, row: int) -> str:
    """How errors name a row; the first is row 0."""
    return f"{uri}, row {row}"
