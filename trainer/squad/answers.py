"""Start and end logits of windows -> answers in text, the n best of each question, and the odds of no answer.

The rules are those of Hugging Face's `utils_qa.py`, after Google's `run_squad.py`: the n best starts meet the n best
ends of each window; a span lies in the context, is not reversed and not too long; its score is the sum of its two
logits. The null answer's score is that of [CLS], in the window where it is lowest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from trainer.squad.examples import Example
from trainer.squad.features import Window

_Floats = NDArray[np.floating]


class Candidate(TypedDict):
    """One of the n best, as `nbest_predictions.json` has it; the probability is a softmax over the n best."""

    text: str
    probability: float
    start_logit: float
    end_logit: float


@dataclass(frozen=True, slots=True)
class Predictions:
    """By question id, what the official files `predictions`, `nbest_predictions` and `null_odds` hold.

    `null_odds` is the null answer's score minus the best span's; empty for v1.1.
    """

    answers: dict[str, str]
    n_best: dict[str, list[Candidate]]
    null_odds: dict[str, float]


class _Scored(NamedTuple):
    score: float
    start_logit: float
    end_logit: float
    text: str


class _Spans(NamedTuple):
    """The spans of one window: arrays of one length."""

    start_logits: _Floats
    end_logits: _Floats
    starts: NDArray[np.int32]
    """First character in the context."""
    ends: NDArray[np.int32]
    """One past the last character."""


def predict(
    examples: Sequence[Example],
    windows: Sequence[Window],
    start_logits: Sequence[_Floats],
    end_logits: Sequence[_Floats],
    *,
    n_best: int,
    max_answer_length: int,
    null_threshold: float,
    version_2: bool,
) -> Predictions:
    """The answers to all examples.

    Logits come as one array (L,) for each window of L tokens. An answer has at most `max_answer_length` tokens. In v2.0
    the answer is "" if the null odds are over `null_threshold`; with a threshold of infinity each answer is the best
    span, which is what to search a better threshold over. Where no span is allowed, "" with logits of 0 stands for it.
    """
    spans: list[list[_Spans]] = [[] for _ in examples]
    nulls: list[list[_Scored]] = [[] for _ in examples]
    for window, starts, ends in zip(windows, start_logits, end_logits, strict=True):
        spans[window.example_index].append(_window_spans(window, starts, ends, n_best, max_answer_length))
        null = _Scored(float(starts[0] + ends[0]), float(starts[0]), float(ends[0]), "")
        nulls[window.example_index].append(null)

    predictions = Predictions({}, {}, {})
    for example, its_spans, its_nulls in zip(examples, spans, nulls, strict=True):
        candidates = _best_spans(its_spans, example.context, n_best) or [_Scored(0.0, 0.0, 0.0, "")]
        predictions.answers[example.id] = candidates[0].text
        if version_2:
            null = min(its_nulls, key=lambda null: null.score)
            odds = null.score - candidates[0].score
            predictions.null_odds[example.id] = odds
            if odds > null_threshold:
                predictions.answers[example.id] = ""
            candidates = _with_null(candidates, null, n_best)
        predictions.n_best[example.id] = _with_probabilities(candidates)
    return predictions


def _window_spans(window: Window, start_logits: _Floats, end_logits: _Floats, n_best: int, max_length: int) -> _Spans:
    first, past = window.context_offset, window.context_offset + len(window.offsets)
    starts, ends = (np.argsort(logits)[::-1][:n_best] for logits in (start_logits, end_logits))
    starts, ends = (tokens[(first <= tokens) & (tokens < past)] for tokens in (starts, ends))
    lengths = ends[None, :] - starts[:, None] + 1
    rows, columns = np.nonzero((lengths >= 1) & (lengths <= max_length))
    starts, ends = starts[rows], ends[columns]
    characters = window.offsets
    return _Spans(start_logits[starts], end_logits[ends], characters[starts - first, 0], characters[ends - first, 1])


def _best_spans(spans: list[_Spans], context: str, n_best: int) -> list[_Scored]:
    """Best first; of equal scores the one that was found first."""
    merged = _Spans(*(np.concatenate(arrays) for arrays in zip(*spans, strict=True)))
    scores = merged.start_logits + merged.end_logits
    best = np.argsort(-scores, kind="stable")[:n_best]
    fields = (scores, merged.start_logits, merged.end_logits, merged.starts, merged.ends)
    return [
        _Scored(score, start_logit, end_logit, context[start:end])
        for score, start_logit, end_logit, start, end in zip(*(field[best].tolist() for field in fields), strict=True)
    ]


def _with_null(candidates: list[_Scored], null: _Scored, n_best: int) -> list[_Scored]:
    """The null answer is one of the n best, or follows them."""
    rank = sum(candidate.score >= null.score for candidate in candidates)
    ranked = [*candidates[:rank], null, *candidates[rank:]]
    return ranked[: max(n_best, rank + 1)]


def _with_probabilities(candidates: list[_Scored]) -> list[Candidate]:
    scores = np.array([candidate.score for candidate in candidates])
    weights = np.exp(scores - scores.max())
    probabilities: list[float] = (weights / weights.sum()).tolist()
    return [
        Candidate(text=text, probability=probability, start_logit=start_logit, end_logit=end_logit)
        for (_, start_logit, end_logit, text), probability in zip(candidates, probabilities, strict=True)
    ]
