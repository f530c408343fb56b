"""Questions with contexts -> windows of tokens that a BERT can read: `[CLS] question [SEP] context [SEP]`.

A context that does not fit is read through overlapping windows, as in Google's `run_squad.py`: `doc_stride` is the
distance between the starts of two windows (in Hugging Face's `run_qa.py` it is their overlap). Each distinct context is
encoded once and sliced; all positions in text are characters of the original context.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from trainer.errors import DataError
from trainer.squad.examples import Answer, Example

# Larger batches are slower: an Encoding holds some 100 bytes a token.
_BATCH = 256


@dataclass(frozen=True, slots=True)
class Window:
    """What the model sees of one example, L tokens, C of them context.

    `offsets[i]` is the character range [start, end) of the context token at position `context_offset + i`. Start and
    end position are those of the first gold answer's first and last token, or 0, which is [CLS], if the window does not
    hold the answer whole or there is none.
    """

    example_index: int
    input_ids: NDArray[np.int32]
    """(L,)"""
    token_type_ids: NDArray[np.uint8]
    """(L,): 0 up to the first [SEP], 1 after it."""
    context_offset: int
    offsets: NDArray[np.int32]
    """(C, 2)"""
    start_position: int
    end_position: int


class _Context(NamedTuple):
    input_ids: NDArray[np.int32]
    offsets: NDArray[np.int32]


def convert(
    examples: Sequence[Example], tokenizer: Tokenizer, *, max_length: int, doc_stride: int, max_query_length: int
) -> list[Window]:
    """The windows of all examples, in the examples' order; each example has at least one.

    Lengths count tokens: a window has at most `max_length`, a question is cut to its first `max_query_length`. The
    tokenizer adds no special tokens and neither cuts nor pads.

    Raises:
        DataError: the vocabulary has no [CLS] or no [SEP].
    """
    assert 0 < doc_stride <= max_length - max_query_length - 3, "text between two windows would be skipped"
    cls, sep = _special_ids(tokenizer)
    contexts = _contexts(tokenizer, examples)
    questions = _batches(tokenizer, [example.question for example in examples])
    windows: list[Window] = []
    for index, (example, encoding) in enumerate(zip(examples, questions, strict=True)):
        question = np.array([cls, *encoding.ids[:max_query_length], sep], dtype=np.int32)
        context = contexts[example.context]
        answer = _answer_tokens(example.answers[0], context.offsets) if example.answers else None
        room = max_length - len(question) - 1
        overhang = max(len(context.input_ids) - room, 0)
        for start in range(0, overhang + doc_stride, doc_stride):
            windows.append(_window(index, question, context, slice(start, start + room), answer))
    return windows


def _window(
    index: int, question: NDArray[np.int32], context: _Context, part: slice, answer: tuple[int, int] | None
) -> Window:
    offsets = context.offsets[part]
    input_ids = np.concatenate((question, context.input_ids[part], question[-1:]))
    token_type_ids = np.ones(len(input_ids), dtype=np.uint8)
    token_type_ids[: len(question)] = 0
    start_position = end_position = 0
    if answer is not None and part.start <= answer[0] and answer[1] < part.start + len(offsets):
        start_position, end_position = (len(question) + token - part.start for token in answer)
    return Window(index, input_ids, token_type_ids, len(question), offsets, start_position, end_position)


def _answer_tokens(answer: Answer, offsets: NDArray[np.int32]) -> tuple[int, int] | None:
    """The first and the last token that share a character with the answer; None if no token does."""
    first = int(np.searchsorted(offsets[:, 1], answer.start, side="right"))
    last = int(np.searchsorted(offsets[:, 0], answer.end, side="left")) - 1
    return (first, last) if first <= last else None


def _contexts(tokenizer: Tokenizer, examples: Sequence[Example]) -> dict[str, _Context]:
    texts = list(dict.fromkeys(example.context for example in examples))
    return {
        text: _Context(np.array(encoding.ids, dtype=np.int32), _offsets(encoding, text))
        for text, encoding in zip(texts, _batches(tokenizer, texts), strict=True)
    }


def _offsets(encoding: Encoding, text: str) -> NDArray[np.int32]:
    """The tokens' character ranges, each with the combining marks that follow it.

    An uncased tokenizer strips the marks and leaves them out of its ranges, so "cafe\\u0301" would come back as "cafe".
    """
    offsets = np.array(encoding.offsets, dtype=np.int32).reshape(-1, 2)
    marks = {character for character in set(text) if unicodedata.category(character) == "Mn"}
    if not marks:
        return offsets
    is_mark = np.fromiter((character in marks for character in text), dtype=bool, count=len(text))
    # after_marks[i] is the first place from i on that holds no mark.
    places = np.where(np.append(is_mark, False), len(text), np.arange(len(text) + 1))
    after_marks = np.minimum.accumulate(places[::-1])[::-1]
    starts, ends = offsets.T
    # A cased tokenizer keeps marks, perhaps as tokens of their own: no range grows into the next.
    next_starts = np.append(starts, len(text))[np.searchsorted(starts, ends)]
    return np.stack((starts, np.minimum(after_marks[ends], next_starts)), axis=1).astype(np.int32)


def _batches(tokenizer: Tokenizer, texts: Sequence[str]) -> Iterator[Encoding]:
    for start in range(0, len(texts), _BATCH):
        yield from tokenizer.encode_batch(texts[start : start + _BATCH], add_special_tokens=False)


def _special_ids(tokenizer: Tokenizer) -> tuple[int, int]:
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    if cls is None or sep is None:
        missing = "[CLS]" if cls is None else "[SEP]"
        raise DataError("the vocabulary", f"has no {missing}", "use the vocabulary of a BERT")
    return cls, sep
