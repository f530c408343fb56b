"""Answers are the best spans that the rules allow, proven against the rules written out."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tokenizers import Tokenizer

from trainer.squad.answers import Predictions, predict
from trainer.squad.examples import Example
from trainer.squad.features import Window, convert

Logits = list[NDArray[np.float32]]

EXAMPLE = Example("id", "title", "q", "abcdefghij", ())
# [CLS] q [SEP] a b c d e f g h i j [SEP]
A, E, J, LENGTH = 3, 7, 12, 14


@pytest.fixture(scope="module")
def window(letters: Tokenizer) -> Window:
    (only,) = convert([EXAMPLE], letters, max_length=32, doc_stride=8, max_query_length=4)
    assert len(only.input_ids) == LENGTH
    return only


def logits(**at: float) -> NDArray[np.float32]:
    """-10 everywhere but at the positions given, as `p7=2.0`."""
    values = np.full(LENGTH, -10, dtype=np.float32)
    for position, value in at.items():
        values[int(position[1:])] = value
    return values


def best(
    window: Window, starts: NDArray[np.float32], ends: NDArray[np.float32], **changes: float | bool
) -> Predictions:
    rules = {"n_best": 5, "max_answer_length": 30, "null_threshold": 0.0, "version_2": False} | changes
    return predict([EXAMPLE], [window], [starts], [ends], **rules)


def test_the_answer_is_the_text_between_the_best_start_and_end(window: Window):
    predictions = best(window, logits(p4=3, p5=2), logits(p7=4, p6=1))
    assert predictions.answers == {"id": "bcde"}
    first = predictions.n_best["id"][0]
    assert (first["text"], first["start_logit"], first["end_logit"]) == ("bcde", 3, 4)
    assert predictions.null_odds == {}


@pytest.mark.parametrize(
    ("starts", "ends", "expected"),
    [
        (logits(p1=9, p4=1), logits(p7=1), "bcde"),  # a start in the question
        (logits(p4=1), logits(p13=9, p7=1), "bcde"),  # an end on [SEP]
        (logits(p4=1, p6=0), logits(p5=0, p3=9), "bc"),  # an end before the start
        (logits(p3=9, p10=0), logits(p12=9), "hij"),  # longer than max_answer_length
    ],
)
def test_spans_outside_the_context_reversed_or_too_long_are_no_answers(window: Window, starts, ends, expected: str):
    assert best(window, starts, ends, max_answer_length=4).answers == {"id": expected}


def test_the_best_window_answers(letters: Tokenizer):
    windows = convert([EXAMPLE], letters, max_length=8, doc_stride=4, max_query_length=1)
    starts: Logits = [np.full(len(window.input_ids), -10, dtype=np.float32) for window in windows]
    ends = [logits.copy() for logits in starts]
    starts[0][3], ends[0][3] = 1, 1
    starts[2][4], ends[2][4] = 2, 1
    rules = {"n_best": 2, "max_answer_length": 30, "null_threshold": 0.0, "version_2": False}
    predictions = predict([EXAMPLE], windows, starts, ends, **rules)
    assert [candidate["text"] for candidate in predictions.n_best["id"]] == ["j", "a"]


def test_no_answer_is_given_where_the_null_odds_are_over_the_threshold(window: Window):
    starts, ends = logits(p0=2, p4=1), logits(p0=2, p7=1)
    predictions = best(window, starts, ends, version_2=True, null_threshold=1.9)
    assert predictions.null_odds == {"id": 2.0}
    assert predictions.answers == {"id": ""}
    assert predictions.n_best["id"][0]["text"] == ""
    assert best(window, starts, ends, version_2=True, null_threshold=2.0).answers == {"id": "bcde"}
    assert best(window, starts, ends, version_2=True, null_threshold=math.inf).answers == {"id": "bcde"}


def test_predictions_can_be_taken_at_another_threshold(window: Window):
    starts, ends = logits(p0=2, p4=1), logits(p0=2, p7=1)
    predictions = best(window, starts, ends, version_2=True, null_threshold=1.9)
    assert predictions.spans == {"id": "bcde"}
    assert predictions.at(2.0) == best(window, starts, ends, version_2=True, null_threshold=2.0)
    assert predictions.at(2.0).at(1.9) == predictions


def test_the_probability_of_no_answer_is_that_against_the_best_span(window: Window):
    predictions = best(window, logits(p0=2, p4=1), logits(p0=2, p7=1), version_2=True)
    candidates = {candidate["text"]: candidate["probability"] for candidate in predictions.n_best["id"]}
    share = candidates[""] / (candidates[""] + candidates["bcde"])
    assert predictions.na_probs == {"id": pytest.approx(share, rel=1e-6)}


def test_odds_of_any_size_have_a_probability():
    predictions = Predictions({}, {}, {"a": -2000.0, "b": 0.0, "c": 2000.0}, {})
    assert predictions.na_probs == {"a": 0, "b": 0.5, "c": 1}


def test_of_equal_scores_the_span_of_the_first_window_comes_first(letters: Tokenizer):
    windows = convert([EXAMPLE], letters, max_length=8, doc_stride=4, max_query_length=1)
    starts: Logits = [np.full(len(window.input_ids), -10, dtype=np.float32) for window in windows]
    for logits in starts:
        logits[3] = 1
    rules = {"n_best": 2, "max_answer_length": 30, "null_threshold": 0.0, "version_2": False}
    found = predict([EXAMPLE], windows, starts, starts, **rules).n_best["id"]
    assert [candidate["text"] for candidate in found] == ["a", "e"]


def test_windows_of_all_questions_may_come_mixed(letters: Tokenizer):
    """More of them than are searched at once."""
    examples = [Example(str(n), "", "q", "abcdefghij"[n % 7 :], ()) for n in range(700)]
    windows = convert(examples, letters, max_length=8, doc_stride=4, max_query_length=1)
    rng = np.random.default_rng(0)
    starts, ends = ([rng.standard_normal(len(w.input_ids), dtype=np.float32) for w in windows] for _ in range(2))
    rules = {"n_best": 3, "max_answer_length": 4, "null_threshold": 0.0, "version_2": True}
    expected = predict(examples, windows, starts, ends, **rules)
    order = rng.permutation(len(windows)).tolist()
    mixed = [[array[n] for n in order] for array in (windows, starts, ends)]
    assert len(windows) > 1024
    assert predict(examples, *mixed, **rules) == expected
    first = [array[: sum(w.example_index == 0 for w in windows)] for array in (windows, starts, ends)]
    assert predict(examples[:1], *first, **rules).n_best["0"] == expected.n_best["0"]


def test_no_questions_have_no_answers():
    rules = {"n_best": 3, "max_answer_length": 4, "null_threshold": 0.0, "version_2": True}
    assert predict([], [], [], [], **rules) == Predictions({}, {}, {}, {})


def test_the_null_score_is_the_lowest_of_all_windows(letters: Tokenizer):
    windows = convert([EXAMPLE], letters, max_length=8, doc_stride=4, max_query_length=1)
    starts: Logits = [np.zeros(len(window.input_ids), dtype=np.float32) for window in windows]
    for index, null in enumerate((5, -3, 4)):
        starts[index][0] = null
    rules = {"n_best": 2, "max_answer_length": 30, "null_threshold": 0.0, "version_2": True}
    assert predict([EXAMPLE], windows, starts, starts, **rules).null_odds == {"id": -6.0}


def test_the_null_answer_follows_the_n_best_if_it_is_none_of_them(window: Window):
    candidates = best(window, logits(p4=3, p5=2), logits(p7=4, p6=1), version_2=True, n_best=2).n_best["id"]
    assert [candidate["text"] for candidate in candidates] == ["bcde", "cde", ""]
    assert math.isclose(sum(candidate["probability"] for candidate in candidates), 1)
    assert math.isclose(candidates[0]["probability"] / candidates[1]["probability"], math.e, rel_tol=1e-6)


def test_of_equal_scores_the_span_comes_before_the_null_answer(window: Window):
    candidates = best(window, logits(p0=1, p4=1), logits(p0=1, p7=1), version_2=True, n_best=2).n_best["id"]
    assert [candidate["text"] for candidate in candidates] == ["bcde", ""]


@pytest.mark.parametrize("version_2", [False, True])
def test_where_no_span_is_allowed_the_answer_is_empty(letters: Tokenizer, version_2: bool):
    empty = Example("id", "title", "q", "\u200b", ())
    windows = convert([empty], letters, max_length=32, doc_stride=8, max_query_length=4)
    zeros: Logits = [np.zeros(len(window.input_ids), dtype=np.float32) for window in windows]
    rules = {"n_best": 2, "max_answer_length": 30, "null_threshold": 0.0, "version_2": version_2}
    assert predict([empty], windows, zeros, zeros, **rules).answers == {"id": ""}


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_best=st.integers(1, 8),
    max_answer_length=st.integers(1, 6),
    version_2=st.booleans(),
)
def test_the_n_best_are_those_of_the_rules_written_out(letters: Tokenizer, seed, n_best, max_answer_length, version_2):
    contexts = ("abcdefghij", "kl mn op qr st uv wx", "a")
    examples = [Example(context, "", "what", context, ()) for context in contexts]
    windows = convert(examples, letters, max_length=12, doc_stride=3, max_query_length=2)
    rng = np.random.default_rng(seed)
    starts, ends = ([rng.permutation(len(w.input_ids)).astype(np.float32) for w in windows] for _ in range(2))
    # Distinct in the thousandths, so that no two sums are equal.
    ends = [array + index / 1000 for index, array in enumerate(ends)]
    starts = [array * np.float32(1.37) for array in starts]
    predictions = predict(
        examples,
        windows,
        starts,
        ends,
        n_best=n_best,
        max_answer_length=max_answer_length,
        null_threshold=0.0,
        version_2=version_2,
    )
    for index, example in enumerate(examples):
        its = [place for place, window in enumerate(windows) if window.example_index == index]
        expected = written_out(
            example.context,
            [(windows[i], starts[i], ends[i]) for i in its],
            n_best=n_best,
            longest=max_answer_length,
            version_2=version_2,
        )
        found = predictions.n_best[example.id]
        assert [candidate["text"] for candidate in found] == [text for text, _ in expected]
        scores = [candidate["start_logit"] + candidate["end_logit"] for candidate in found]
        assert scores == pytest.approx([score for _, score in expected])


def written_out(
    context: str,
    windows: Sequence[tuple[Window, NDArray[np.float32], NDArray[np.float32]]],
    *,
    n_best: int,
    longest: int,
    version_2: bool,
) -> list[tuple[str, float]]:
    spans: list[tuple[str, float]] = []
    for window, start_logits, end_logits in windows:
        for start in sorted(range(len(start_logits)), key=lambda i: -start_logits[i])[:n_best]:
            for end in sorted(range(len(end_logits)), key=lambda i: -end_logits[i])[:n_best]:
                first, last = start - window.context_offset, end - window.context_offset
                if 0 <= first <= last < len(window.offsets) and last - first < longest:
                    text = context[window.offsets[first][0] : window.offsets[last][1]]
                    spans.append((text, float(start_logits[start] + end_logits[end])))
    ranked = sorted(spans, key=lambda span: -span[1]) or [("", 0.0)]
    if not version_2:
        return ranked[:n_best]
    null = ("", min(float(starts[0] + ends[0]) for _, starts, ends in windows))
    with_null = sorted([*ranked, null], key=lambda span: -span[1])[:n_best]
    return with_null if any(span is null for span in with_null) else [*with_null, null]
