"""What the tokens of a corpus say of its language and of its capital letters."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders

from trainer.data import vocab
from trainer.data.doctor.rows import Rows
from trainer.data.languages import language

_MOST_DOCUMENTS = 500
"""Shares are then right to 4.5 % (two standard errors at one half) and to 2 % at 5 %; it takes half a second."""
_LOOKED_AT = 256
"""Tokens of a document; its language is told by fewer."""
_FEWEST_CHARACTERS = 40
"""In shorter text the language is a guess."""


class Reader:
    """Makes text of tokens again; accents and capitals that the tokenizer took away stay away."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Read with this tokenizer, whose decoder is set."""
        tokenizer.decoder = decoders.WordPiece()
        self._tokenizer = tokenizer
        self._special = set(vocab.special_ids(tokenizer))

    def text(self, tokens: NDArray[np.integer]) -> str:
        """The text, [UNK] included."""
        return str(self._tokenizer.decode(tokens.tolist(), skip_special_tokens=False))

    def known_text(self, tokens: NDArray[np.integer]) -> str:
        """The text without special pieces."""
        return str(self._tokenizer.decode([token for token in tokens.tolist() if token not in self._special]))


def languages(rows: Rows, reader: Reader) -> Counter[str]:
    """How many documents of a sample are in each language; those too short to tell are not counted."""
    rng = np.random.default_rng(0)
    numbers = np.sort(rng.permutation(len(rows))[:_MOST_DOCUMENTS])
    texts = (reader.known_text(_middle(rows.tokens(number))) for number in numbers.tolist())
    return Counter(language(text) for text in texts if len(text) >= _FEWEST_CHARACTERS)


def capitals(pieces: Sequence[str], token_counts: NDArray[np.int64]) -> float | None:
    """Share of the words that begin with a capital, of those in scripts that have any; None where there are none."""
    words = np.array([_has_case(piece[:1]) for piece in pieces], np.bool_)
    large = np.array([piece[:1].isupper() for piece in pieces], np.bool_)
    total = int(token_counts[words].sum())
    return int(token_counts[large & words].sum()) / total if total else None


def with_capitals(pieces: Sequence[str]) -> int:
    """How many pieces have a capital letter; special and unused ones are not counted."""
    return sum(piece != piece.lower() and not (piece[:1] == "[" and piece[-1:] == "]") for piece in pieces)


def _middle(tokens: NDArray[np.integer]) -> NDArray[np.integer]:
    start = max(0, (tokens.size - _LOOKED_AT) // 2)
    return tokens[start : start + _LOOKED_AT]


def _has_case(character: str) -> bool:
    return character.lower() != character.upper()
