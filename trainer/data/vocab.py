"""WordPiece vocabularies: train one on text, write it as vocab.txt, load it as a tokenizer.

The trainer of `tokenizers` numbers single characters in the order of a hash table, so two runs over one text differ.
Here the words are counted first and every character's pieces are numbered before the first merge; merges are exact. The
same text then gives the same vocabulary on every machine.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer, WhitespaceSplit
from tokenizers.trainers import WordPieceTrainer

from trainer import storage
from trainer.data.words import LONGEST_WORD
from trainer.errors import DataError

SPECIAL_PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

_MOST_FED = 50_000_000
"""Words that the merges are computed on; counts of a larger corpus are scaled down, which bounds the time to 20 s."""
_REMEDY = "give a vocab.txt of BERT, one piece a line"
_LARGEST_ALPHABET = 1000
"""Characters that get pieces of their own, as in the library's BERT trainer."""


class SpecialIds(NamedTuple):
    """The ids of BERT's special pieces."""

    pad: int
    unk: int
    cls: int
    sep: int
    mask: int


def special_ids(tokenizer: Tokenizer) -> SpecialIds:
    """The special pieces' ids in a tokenizer that `load` made."""
    ids = [tokenizer.token_to_id(piece) for piece in SPECIAL_PIECES]
    return SpecialIds(*[number for number in ids if number is not None])


def continuations(tokenizer: Tokenizer) -> NDArray[np.bool_]:
    """(V,) Whether a piece goes on with a word ("##ing"), for each id."""
    found = np.zeros(tokenizer.get_vocab_size(), np.bool_)
    for piece, number in tokenizer.get_vocab().items():
        found[number] = piece.startswith("##")
    return found


def train(words: Counter[str], size: int) -> list[str]:
    """A WordPiece vocabulary, the same for the same words in any process.

    Args:
        words: how often each occurs, as `WordCounts.words` counts.
        size: pieces wanted; text with too few distinct words gives fewer.

    Returns:
        The pieces in the order of their ids: [PAD] [UNK] [CLS] [SEP] [MASK], characters inside a word ("##a"),
        characters ("a"), then what was merged, the most frequent first; at the end [unused0], [unused1] ... until
        their number is a multiple of 8, which GPUs multiply faster.
    """
    alphabet = _alphabet(words, limit=min(_LARGEST_ALPHABET, (size - len(SPECIAL_PIECES)) // 2))
    continuing = [f"##{character}" for character in alphabet if _stands_in_words(character)]
    trainer = WordPieceTrainer(
        vocab_size=size,
        min_frequency=2,
        show_progress=False,
        special_tokens=[*SPECIAL_PIECES, *continuing],
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
    )
    tokenizer = Tokenizer(WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.train_from_iterator(_repeated(words), trainer=trainer)
    trained = pieces(tokenizer)
    return trained + [f"[unused{number}]" for number in range(-len(trained) % 8)]


def pieces(tokenizer: Tokenizer) -> list[str]:
    """All pieces of a tokenizer, in the order of their ids."""
    numbers = tokenizer.get_vocab()
    return sorted(numbers, key=numbers.__getitem__)


def save(pieces: list[str], uri: str) -> None:
    """Write a vocab.txt: a piece a line, the line's number its id."""
    storage.write_text(uri, _as_text(pieces))


def fingerprint(pieces: list[str]) -> str:
    """The SHA-256 of the vocab.txt that `save` writes."""
    return hashlib.sha256(_as_text(pieces).encode()).hexdigest()


def read(uri: str) -> list[str]:
    """The pieces of a vocab.txt.

    Raises:
        DataError: it lacks a special piece, is empty, or has a blank or a repeated line.
        StorageError: it cannot be read.
    """
    # Not splitlines: a piece may well be one of the characters that Python takes for a line end.
    pieces = storage.read_text(uri, storage.MOST_SETTINGS).replace("\r\n", "\n").removesuffix("\n").split("\n")
    if pieces == [""]:
        raise DataError(uri, "the vocabulary is empty", _REMEDY)
    numbers: dict[str, int] = {}
    for number, piece in enumerate(pieces, start=1):
        if not piece:
            raise DataError(uri, f"line {number} is blank", _REMEDY)
        if piece in numbers:
            raise DataError(uri, f"lines {numbers[piece]} and {number} are both {piece!r}", _REMEDY)
        numbers[piece] = number
    refuse_without_special(pieces, uri)
    return pieces


def refuse_without_special(pieces: list[str], uri: str) -> None:
    """Do nothing if all special pieces are there.

    Raises:
        DataError: names those that `uri` lacks.
    """
    missing = set(SPECIAL_PIECES).difference(pieces)
    if missing:
        lacking = " ".join(piece for piece in SPECIAL_PIECES if piece in missing)
        raise DataError(uri, f"the vocabulary has no {lacking}", _REMEDY)


def load(uri: str, lowercase: bool) -> Tokenizer:
    """BERT's tokenizer over a vocab.txt; it adds no special pieces and cuts nothing off.

    Raises:
        DataError, StorageError: as `read`.
    """
    vocabulary = {piece: number for number, piece in enumerate(read(uri))}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=LONGEST_WORD))
    tokenizer.normalizer = BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer


def _as_text(pieces: list[str]) -> str:
    return "".join(f"{piece}\n" for piece in pieces)


def _alphabet(words: Counter[str], limit: int) -> list[str]:
    """The `limit` most frequent characters, sorted; of equally frequent ones the first in Unicode."""
    counts: Counter[str] = Counter()
    for word, count in words.items():
        for character in word:
            counts[character] += count
    return sorted(sorted(counts, key=lambda character: (-counts[character], character))[:limit])


def _stands_in_words(character: str) -> bool:
    """Whether BERT's pre-tokenizer leaves it in a word; punctuation and Chinese characters are words of their own."""
    text = BertNormalizer(lowercase=False).normalize_str(f"a{character}a")
    return len(BertPreTokenizer().pre_tokenize_str(text)) == 1


def _repeated(words: Counter[str]) -> Iterator[str]:
    """Text in which each word stands as often as it was counted: the one way to hand counts to the trainer."""
    scale = -(-words.total() // _MOST_FED)
    for word, count in words.items():
        for start in range(0, count // scale, 10_000):
            yield f"{word} " * min(10_000, count // scale - start)
