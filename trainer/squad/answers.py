"""Start and end logits of windows -> answers in text, the n best of each question, and the odds of no answer.

The rules are those of Hugging Face's `utils_qa.py`, after Google's `run_squad.py`: the n best starts meet the n best
ends of each window; a span lies in the context, is not reversed and not too long; its score is the sum of its two
logits. The null answer's score is that of [CLS], in the window where it is lowest.

All windows go through numpy together: the spans of all questions are one table, which is sorted once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from trainer.squad.examples import Example
from trainer.squad.features import Window

# Windows that are searched at once: some 20 MB of pairs of a start and an end.
_BATCH = 1024

_Floats = NDArray[np.floating]
_Integers = NDArray[np.integer]


class Candidate(TypedDict):
    """One of the n best, as `nbest_predictions.json` has it; the probability is a softmax over the n best."""

    text: str
    probability: float
    start_logit: float
    end_logit: float


@dataclass(frozen=True, slots=True)
class Predictions:
    """By question id, what the official files `predictions`, `nbest_predictions` and `null_odds` hold.

    `null_odds` is the null answer's score minus the best span's; empty for v1.1. `spans` is the best span of each
    question, whatever its odds.
    """

    answers: dict[str, str]
    n_best: dict[str, list[Candidate]]
    null_odds: dict[str, float]
    spans: dict[str, str]

    def at(self, null_threshold: float) -> "Predictions":
        """The same with another threshold: "" answers where the odds are over it."""
        return replace(self, answers=_answers(self.spans, self.null_odds, null_threshold))

    @property
    def na_probs(self) -> dict[str, float]:
        """What the official script for v2.0 takes as `--na-prob-file`: no answer against the best span, from 0 to 1.

        Its default `--na-prob-thresh 1.0` then changes no answer. Given the odds in place of them, as Google's README
        has it, it would empty all answers with odds over 1. Both are in one order, so it finds the same best scores.
        """
        odds = np.array(list(self.null_odds.values()))
        probabilities: list[float] = np.exp(-np.logaddexp(0, -odds)).tolist()
        return dict(zip(self.null_odds, probabilities, strict=True))


class _Spans(NamedTuple):
    """Spans of any questions: arrays of one length. The null answer has no characters."""

    examples: _Integers
    """Indices."""
    start_logits: _Floats
    end_logits: _Floats
    starts: _Integers
    """First character in the context."""
    ends: _Integers
    """One past the last character."""

    @property
    def scores(self) -> _Floats:
        return self.start_logits + self.end_logits


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
    """The answers to all examples; each has at least one window.

    Logits come as one array (L,) for each window of L tokens. An answer has at most `max_answer_length` tokens. In v2.0
    the answer is "" if the null odds are over `null_threshold`. Where no span is allowed, "" with logits of 0 stands
    for it. Of equal scores the first window's comes first.
    """
    if not examples:
        return Predictions({}, {}, {}, {})
    parts = [slice(start, start + _BATCH) for start in range(0, len(windows), _BATCH)]
    found = _joined(
        _allowed(windows[part], _padded(start_logits[part]), _padded(end_logits[part]), n_best, max_answer_length)
        for part in parts
    )
    candidates = _best(_joined([found, _stand_ins(found, len(examples))]), n_best)
    firsts = _best(candidates, 1)
    ids = [example.id for example in examples]
    spans = dict(zip(ids, _texts(firsts, examples), strict=True))
    null_odds: dict[str, float] = {}
    if version_2:
        nulls = _nulls(windows, start_logits, end_logits)
        null_odds = dict(zip(ids, (nulls.scores.astype(float) - firsts.scores).tolist(), strict=True))
        candidates = _best(candidates, n_best, nulls)
    named = dict(zip(ids, _by_example(candidates, examples), strict=True))
    return Predictions(_answers(spans, null_odds, null_threshold), named, null_odds, spans)


def _answers(spans: Mapping[str, str], null_odds: Mapping[str, float], null_threshold: float) -> dict[str, str]:
    return {id: "" if id in null_odds and null_odds[id] > null_threshold else text for id, text in spans.items()}


def _padded(logits: Sequence[_Floats]) -> _Floats:
    """(W, L), -inf behind the end of each window."""
    lengths = np.array([len(its) for its in logits])
    padded = np.full((len(logits), lengths.max()), -np.inf, dtype=logits[0].dtype)
    padded[np.arange(lengths.max()) < lengths[:, None]] = np.concatenate(logits)
    return padded


def _allowed(
    windows: Sequence[Window], start_logits: _Floats, end_logits: _Floats, n_best: int, max_length: int
) -> _Spans:
    """The spans that the n best starts and ends of each window make; logits are (W, L)."""
    sizes = np.array([len(window.offsets) for window in windows])
    first = np.array([window.context_offset for window in windows])
    past = first + sizes
    # (W, n), best first; of equal logits the later position.
    starts, ends = (np.argsort(its, axis=1, kind="stable")[:, : -n_best - 1 : -1] for its in (start_logits, end_logits))
    start_counts, end_counts = ((first[:, None] <= its) & (its < past[:, None]) for its in (starts, ends))
    lengths = ends[:, None, :] - starts[:, :, None] + 1
    allowed = start_counts[:, :, None] & end_counts[:, None, :] & (lengths >= 1) & (lengths <= max_length)
    which, rows, columns = np.nonzero(allowed)
    start, end = starts[which, rows], ends[which, columns]
    characters = np.concatenate([window.offsets for window in windows])
    # From a position in a window to its row in `characters`.
    shift = (np.cumsum(sizes) - past)[which]
    return _Spans(
        np.array([window.example_index for window in windows])[which],
        start_logits[which, start],
        end_logits[which, end],
        characters[start + shift, 0],
        characters[end + shift, 1],
    )


def _stand_ins(found: _Spans, examples: int) -> _Spans:
    """An empty span for each example that has none."""
    without = np.flatnonzero(np.bincount(found.examples, minlength=examples) == 0)
    zeros = np.zeros(len(without), dtype=np.int32)
    logits = zeros.astype(found.start_logits.dtype)
    return _Spans(without, logits, logits, zeros, zeros)


def _nulls(windows: Sequence[Window], start_logits: Sequence[_Floats], end_logits: Sequence[_Floats]) -> _Spans:
    """The null answer of each example, from the window where its score is lowest."""
    examples = np.array([window.example_index for window in windows])
    starts, ends = (np.array([its[0] for its in logits]) for logits in (start_logits, end_logits))
    order = np.lexsort((starts + ends, examples))
    lowest = order[_ranks(examples[order]) == 0]
    zeros = np.zeros(len(lowest), dtype=np.int32)
    return _Spans(examples[lowest], starts[lowest], ends[lowest], zeros, zeros)


def _best(spans: _Spans, count: int, nulls: _Spans | None = None) -> _Spans:
    """The best of each example, best first, by example; its null answer is one of them, or follows them."""
    all_spans = spans if nulls is None else _joined([spans, nulls])
    order = np.lexsort((-all_spans.scores, all_spans.examples))
    is_null = order >= len(spans.examples)
    chosen = order[(_ranks(all_spans.examples[order]) < count) | is_null]
    return _Spans._make(field[chosen] for field in all_spans)


def _ranks(examples: _Integers) -> _Integers:
    """0, 1, ... for the entries of each example, where they stand together in rising order."""
    return np.arange(len(examples)) - np.searchsorted(examples, examples)


def _joined(parts: Iterable[_Spans]) -> _Spans:
    return _Spans._make(np.concatenate(fields) for fields in zip(*parts, strict=True))


def _texts(spans: _Spans, examples: Sequence[Example]) -> list[str]:
    places = zip(*(field.tolist() for field in (spans.examples, spans.starts, spans.ends)), strict=True)
    return [examples[index].context[start:end] for index, start, end in places]


def _by_example(spans: _Spans, examples: Sequence[Example]) -> Iterator[list[Candidate]]:
    """Of spans that are sorted by example, each of which has some."""
    fields = (_probabilities(spans), spans.start_logits, spans.end_logits)
    candidates = [
        Candidate(text=text, probability=probability, start_logit=start_logit, end_logit=end_logit)
        for text, probability, start_logit, end_logit in zip(
            _texts(spans, examples), *(field.tolist() for field in fields), strict=True
        )
    ]
    edges = np.searchsorted(spans.examples, np.arange(len(examples) + 1)).tolist()
    return (candidates[start:end] for start, end in pairwise(edges))


def _probabilities(spans: _Spans) -> _Floats:
    """The softmax over the spans of each example, the first of which is its best."""
    firsts = np.flatnonzero(_ranks(spans.examples) == 0)
    counts = np.diff(firsts, append=len(spans.examples))
    scores = spans.scores.astype(float)
    weights = np.exp(scores - np.repeat(scores[firsts], counts))
    return weights / np.repeat(np.add.reduceat(weights, firsts), counts)
