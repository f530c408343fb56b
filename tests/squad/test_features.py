"""Windows cover the context, keep its characters' offsets and are those of the reference conversion."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from transformers import BertTokenizer

from trainer.errors import DataError
from trainer.squad.examples import Answer, Example, load
from trainer.squad.features import Window, convert

SIZES = {"max_length": 384, "doc_stride": 128, "max_query_length": 64}


def example(context: str, start: int = 0, end: int = 0, question: str = "q") -> Example:
    answers = (Answer(context[start:end], start),) if start < end else ()
    return Example("id", "title", question, context, answers)


def gold_text(window: Window, context: str) -> str:
    """What the window's start and end position say the answer is."""
    first, last = (position - window.context_offset for position in (window.start_position, window.end_position))
    return context[window.offsets[first, 0] : window.offsets[last, 1]]


def test_a_window_is_the_question_then_the_context(letters: Tokenizer):
    (window,) = convert([example("ab cd", 3, 5, question="xy")], letters, **SIZES)
    pieces = [letters.id_to_token(token) for token in window.input_ids.tolist()]
    assert pieces == ["[CLS]", "x", "##y", "[SEP]", "a", "##b", "c", "##d", "[SEP]"]
    assert window.token_type_ids.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert window.context_offset == 4
    assert window.offsets.tolist() == [[0, 1], [1, 2], [3, 4], [4, 5]]
    assert (window.start_position, window.end_position) == (6, 7)
    assert (window.input_ids.dtype, window.token_type_ids.dtype) == (np.int32, np.uint8)


def test_doc_stride_is_the_distance_between_window_starts(letters: Tokenizer):
    context = "abcdefghij"
    windows = convert([example(context)], letters, max_length=8, doc_stride=3, max_query_length=1)
    assert [context[window.offsets[0, 0] : window.offsets[-1, 1]] for window in windows] == ["abcd", "defg", "ghij"]


@settings(deadline=None)
@given(length=st.integers(1, 60), room=st.integers(2, 20), data=st.data())
def test_windows_cover_the_context_and_none_is_superfluous(letters: Tokenizer, length: int, room: int, data):
    doc_stride = data.draw(st.integers(1, room))
    windows = convert([example("a" * length)], letters, max_length=room + 4, doc_stride=doc_stride, max_query_length=1)
    covered = {character for window in windows for character in range(window.offsets[0, 0], window.offsets[-1, 1])}
    assert covered == set(range(length))
    assert all(len(window.input_ids) <= room + 4 for window in windows)
    assert [int(window.offsets[-1, 1]) for window in windows[:-1]] == [
        room + doc_stride * index for index in range(len(windows) - 1)
    ]
    assert all(window.offsets[-1, 1] < length for window in windows[:-1])


def test_an_answer_counts_only_where_the_window_holds_it_whole(letters: Tokenizer):
    windows = convert([example("abcdefghij", 3, 6)], letters, max_length=8, doc_stride=3, max_query_length=1)
    assert [(window.start_position, window.end_position) for window in windows] == [(0, 0), (3, 5), (0, 0)]


def test_an_impossible_question_points_to_cls(letters: Tokenizer):
    (window,) = convert([example("ab cd")], letters, **SIZES)
    assert (window.start_position, window.end_position) == (0, 0)


def test_a_long_question_is_cut_to_its_first_tokens(letters: Tokenizer):
    (window,) = convert([example("abc", question="xyz" * 10)], letters, max_length=20, doc_stride=3, max_query_length=4)
    assert [letters.id_to_token(token) for token in window.input_ids[:6].tolist()] == [
        "[CLS]", "x", "##y", "##z", "##x", "[SEP]",
    ]  # fmt: skip
    assert window.context_offset == 6


@pytest.mark.parametrize(("question", "context"), [("", "ab"), ("q", "\u200b"), ("", "\u200b")])
def test_a_question_or_a_context_without_tokens_still_has_one_window(letters: Tokenizer, question: str, context: str):
    (window,) = convert([example(context, 0, 1, question=question)], letters, **SIZES)
    assert len(window.input_ids) == 3 + len(question) + len(window.offsets)
    assert window.offsets.shape == (len(context) if context == "ab" else 0, 2)
    assert np.all(window.input_ids[[0, window.context_offset - 1, -1]] == [2, 3, 3])


def test_a_vocabulary_without_the_special_tokens_is_refused(letters: Tokenizer):
    vocab = {piece: index for piece, index in letters.get_vocab().items() if piece != "[SEP]"}
    bare = Tokenizer(WordPiece(vocab, unk_token="[UNK]"))
    with pytest.raises(DataError, match=r"the vocabulary: has no \[SEP\]"):
        convert([example("ab")], bare, **SIZES)


# A word begins with a letter or a symbol; marks follow it.
LETTERS = st.sampled_from("abzéÅñüßøǻİłﬁאבגשםابتسل한국어日本語กขทहनद😀❤👩🚀½²")
MARKS = st.text(st.sampled_from("\u0301\u0302\u0308\u032f\u0323\u05b8\u05c1\u064e\u0651\u093f\ufe0f"), max_size=2)
WORDS = st.lists(st.tuples(LETTERS, MARKS).map("".join), min_size=1, max_size=6).map("".join)
GAPS = st.sampled_from([" ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u3000", ", ", " \u200f", " \ufeff"])


@settings(deadline=None)
@given(words=st.lists(st.tuples(WORDS, GAPS), min_size=1, max_size=8), data=st.data(), lowercase=st.booleans())
def test_the_words_of_an_answer_come_back_from_its_offsets_in_any_script(any_script, words, data, lowercase: bool):
    context = "".join(word + gap for word, gap in words)
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    start = sum(len(word) + len(gap) for word, gap in words[:first])
    end = sum(len(word) + len(gap) for word, gap in words[:last]) + len(words[last][0])
    (window,) = convert(
        [example(context, start, end)], any_script[lowercase], max_length=512, doc_stride=128, max_query_length=8
    )
    assert gold_text(window, context) == context[start:end]


@settings(deadline=None)
@given(st.text(max_size=60).filter(str.strip), st.booleans())
def test_offsets_rise_and_stay_within_any_text(any_script, context: str, lowercase: bool):
    (window,) = convert([example(context)], any_script[lowercase], max_length=512, doc_stride=9, max_query_length=8)
    starts, ends = window.offsets.T
    assert np.all(starts < ends)
    assert np.all(ends <= len(context))
    assert np.all(np.diff(starts) >= 0)
    assert np.all(np.diff(ends) >= 0)


def test_a_span_with_combining_marks_is_returned_with_its_marks(letters: Tokenizer):
    context = "un cafe\u0301 noir"
    (window,) = convert([example(context, 3, 8)], letters, **SIZES)
    assert gold_text(window, context) == "cafe\u0301"
    assert window.offsets[5].tolist() == [6, 8]


def test_a_context_of_100_000_characters_is_read_to_its_end(letters: Tokenizer):
    context = "ab " * 33_333 + "z"
    windows = convert([example(context, len(context) - 1, len(context))], letters, **SIZES)
    assert gold_text(windows[-1], context) == "z"
    assert len(windows) > 66_667 / 128 - 3


@pytest.mark.parametrize("version", ["dev-v1.1", "dev-v2.0-reconstructed"])
@pytest.mark.parametrize("every", [20, pytest.param(1, marks=pytest.mark.slow)])
def test_windows_are_those_of_the_reference_conversion(shared_data: Path, bert: Tokenizer, version: str, every: int):
    """`run_qa.py`'s conversion by transformers, its overlap chosen so that windows start as in `run_squad.py`.

    A combining mark belongs to the token before it here, and to none there.
    """
    reference = BertTokenizer(vocab=str(shared_data / "bert-base-uncased-vocab.txt"))
    examples = load(str(shared_data / "squad" / f"{version}.json.gz")).examples[::every]
    expected = [window for example in examples for window in reference_windows(example, reference)]
    windows = convert(examples, bert, **SIZES)
    assert len(windows) == len(expected) > len(examples)
    for window, (input_ids, token_type_ids, offsets, start, end) in zip(windows, expected, strict=True):
        context = examples[window.example_index].context
        assert window.input_ids.tolist() == input_ids
        assert window.token_type_ids.tolist() == token_type_ids
        assert window.offsets.tolist() == [list(with_marks(pair, context)) for pair in offsets]
        assert (window.start_position, window.end_position) == (start, end)


def with_marks(offsets: tuple[int, int], context: str) -> tuple[int, int]:
    start, end = offsets
    while end < len(context) and unicodedata.category(context[end]) == "Mn":
        end += 1
    return start, end


ReferenceWindow = tuple[list[int], list[int], list[tuple[int, int]], int, int]


def reference_windows(example: Example, tokenizer: BertTokenizer) -> list[ReferenceWindow]:
    question = tokenizer(example.question, add_special_tokens=False)["input_ids"]
    assert len(question) <= SIZES["max_query_length"], "the reference does not cut questions"
    encoding = tokenizer(
        example.question,
        example.context,
        truncation="only_second",
        max_length=SIZES["max_length"],
        stride=SIZES["max_length"] - len(question) - 3 - SIZES["doc_stride"],
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_token_type_ids=True,
    )
    windows: list[ReferenceWindow] = []
    for index, input_ids in enumerate(encoding["input_ids"]):
        in_context = [position for position, part in enumerate(encoding.sequence_ids(index)) if part == 1]
        offsets = encoding["offset_mapping"][index]
        start = end = 0
        for answer in example.answers[:1]:
            if offsets[in_context[0]][0] <= answer.start and offsets[in_context[-1]][1] >= answer.end:
                start = max(position for position in in_context if offsets[position][0] <= answer.start)
                end = min(position for position in in_context if offsets[position][1] >= answer.end)
        its_offsets = [offsets[position] for position in in_context]
        windows.append((input_ids, encoding["token_type_ids"][index], its_offsets, start, end))
    return windows
