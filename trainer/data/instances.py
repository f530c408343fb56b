"""A chunk of text -> one BERT instance; a pure function of (corpus, chunk, draws, generator).

The drawing of pairs is that of Google's create_pretraining_data.py (Devlin et al. 2019), with two differences. There,
what a random B displaced goes into the next instance, which makes an instance depend on all before it; here it is
left out, and since each epoch draws anew, the same sentences come whole or as another part the next time. And a chunk
is filled up to the length, not just over it, so only random Bs and over-long sentences are cut off.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainer.config import schema
from trainer.data.chunks import Chunk
from trainer.data.corpus import Corpus
from trainer.data.vocab import SpecialIds

Tokens = NDArray[np.int32]


class Instance(NamedTuple):
    """Text between special pieces, before masking."""

    input_ids: Tokens
    """(L,) [CLS] A [SEP] B [SEP], or [CLS] A [SEP]."""
    token_type_ids: NDArray[np.uint8]
    """(L,) 1 for B and its [SEP]."""
    next_sentence_label: int | None
    """BERT's: 0, B follows A in the text; 1, B is random. None without next-sentence prediction."""


def room(settings: schema.Pretrain) -> int:
    """Tokens of text in the longest instance, special pieces not counted."""
    return settings.max_length - (3 if settings.next_sentence_prediction else 2)


def foreseen_lengths(
    tokens: NDArray[np.int64], sentences: NDArray[np.int64], draws: NDArray[np.float64], settings: schema.Pretrain
) -> NDArray[np.int64]:
    """About how many tokens of text come of each of N chunks, without making the instances.

    A short instance ends with the sentence that its length falls into, so on average most of a sentence later. Not
    foreseen are random Bs whose document ends early.

    Args:
        tokens: (N,) of the chunks.
        sentences: (N,) of the chunks.
        draws: (N, 3) of the instances.
        settings: of the stage.
    """
    targets = np.minimum(_target(draws, settings) + tokens // sentences - 1, room(settings))
    filled = settings.next_sentence_prediction & ((sentences == 1) | _is_random(draws))
    return np.where(filled, targets, np.minimum(tokens, targets))


def draw_instance(
    corpus: Corpus,
    chunk: Chunk,
    settings: schema.Pretrain,
    special: SpecialIds,
    draws: NDArray[np.float64],
    rng: np.random.Generator,
) -> Instance:
    """Make an instance of a chunk, of at most `settings.max_length` tokens.

    The draws (3,), uniform in [0, 1), are those that the length goes by, so that it can be foreseen; all else is drawn
    from `rng`.

    With probability `short_sequence_probability` the chunk ends with the sentence that reaches a random shorter
    length. With next-sentence prediction it is parted at a random sentence into A and B; with probability 0.5, and
    always where it is a single sentence, B is instead a random piece of another document.
    """
    tokens, sentence_lengths = corpus.document(chunk.document)
    ends = sentence_lengths[chunk.first : chunk.end].cumsum(dtype=np.int64)
    start = int(sentence_lengths[: chunk.first].sum())
    target = int(_target(draws, settings))
    ends = ends[: ends.searchsorted(target) + 1]
    text = tokens[start : start + int(ends[-1])].astype(np.int32)
    if not settings.next_sentence_prediction:
        return _joined([truncated(text, room(settings), rng)], None, special)
    part = int(ends[rng.integers(ends.size - 1)]) if ends.size > 1 else text.size
    a, b = text[:part], text[part:]
    is_random = not b.size or bool(_is_random(draws))
    if is_random:
        b = _random_piece(corpus, chunk.document, target - a.size, rng)
    keep_a, keep_b = kept_lengths(a.size, b.size, room(settings))
    return _joined([truncated(a, keep_a, rng), truncated(b, keep_b, rng)], int(is_random), special)


def truncated(tokens: Tokens, length: int, rng: np.random.Generator) -> Tokens:
    """At most `length` of the tokens; each one that goes is taken from the front or the back with equal probability."""
    if tokens.size <= length:
        return tokens
    front = int(rng.binomial(tokens.size - length, 0.5))
    return tokens[front : front + length]


def kept_lengths(a: int, b: int, total: int) -> tuple[int, int]:
    """What is left of lengths `a` and `b` when the longer (B if equal) loses a token until both fit into `total`."""
    keep_a = min(a, max(total - b, total - total // 2))
    return keep_a, min(b, total - keep_a)


def _target(draws: NDArray[np.float64], settings: schema.Pretrain) -> NDArray[np.int64]:
    """Tokens of text that are aimed at, (...); draws (..., 3)."""
    is_short = draws[..., 0] < settings.short_sequence_probability
    longest = room(settings)
    return np.where(is_short, 2 + (draws[..., 1] * (longest - 1)).astype(np.int64), longest)


def _is_random(draws: NDArray[np.float64]) -> NDArray[np.bool_]:
    return draws[..., 2] < 0.5


def _random_piece(corpus: Corpus, document: int, length: int, rng: np.random.Generator) -> Tokens:
    """Whole sentences from a random place in a random other document, until there are `length` tokens or it ends.

    Where there is no other document it is a random place in the same one, as in Google's code.
    """
    other = int(rng.integers(max(1, len(corpus) - 1)))
    if len(corpus) > 1 and other >= document:
        other += 1
    tokens, sentence_lengths = corpus.document(other)
    first = int(rng.integers(sentence_lengths.size))
    start = int(sentence_lengths[:first].sum())
    ends = sentence_lengths[first : first + max(length, 1)].cumsum(dtype=np.int64)  # a sentence has a token
    last = min(int(ends.searchsorted(length)), ends.size - 1)
    return tokens[start : start + int(ends[last])].astype(np.int32)


def _joined(parts: list[Tokens], label: int | None, special: SpecialIds) -> Instance:
    separator = np.array([special.sep], np.int32)
    pieces = [np.array([special.cls], np.int32)]
    for part in parts:
        pieces += [part, separator]
    input_ids = np.concatenate(pieces)
    token_type_ids = np.zeros(input_ids.size, np.uint8)
    token_type_ids[parts[0].size + 2 :] = 1
    return Instance(input_ids, token_type_ids, label)
