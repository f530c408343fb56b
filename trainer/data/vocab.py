"""WordPiece vocabularies: train one on text, write it as vocab.txt, load it as a tokenizer.

The trainer of `tokenizers` numbers single characters in the order of a hash table, so two runs over one text differ.
Here the words are counted first and every character's pieces are numbered before the first merge; merges are exact. The
same text then gives the same vocabulary on every machine.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer, WhitespaceSplit
from tokenizers.trainers import WordPieceTrainer

from trainer import storage
from trainer.errors import DataError

SPECIAL_PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

_MOST_COUNTED = 2_000_000
"""Distinct words in memory (1 GB at most); over it the rarest are forgotten (lossy counting, Manku & Motwani 2002)."""
_MOST_FED = 50_000_000
"""Words that the merges are computed on; counts of a larger corpus are scaled down, which bounds the time to 20 s."""
_LONGEST_WORD = 100
"""Characters; WordPiece makes a longer word [UNK] in any case."""
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


def train(texts: Iterable[str], size: int, lowercase: bool) -> list[str]:
    """A WordPiece vocabulary, the same for the same texts in any process.

    Args:
        texts: read once, in bounded memory.
        size: pieces wanted; text with too few distinct words gives fewer.
        lowercase: lower-case and strip accents.

    Returns:
        The pieces in the order of their ids: [PAD] [UNK] [CLS] [SEP] [MASK], characters inside a word ("##a"),
        characters ("a"), then what was merged, the most frequent first.
    """
    words = _word_counts(texts, lowercase)
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
    vocabulary = tokenizer.get_vocab()
    return sorted(vocabulary, key=lambda piece: vocabulary[piece])


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
    pieces = storage.read_text(uri).replace("\r\n", "\n").removesuffix("\n").split("\n")
    remedy = "give a vocab.txt of BERT, one piece a line"
    if pieces == [""]:
        raise DataError(uri, "the vocabulary is empty", remedy)
    numbers: dict[str, int] = {}
    for number, piece in enumerate(pieces, start=1):
        if not piece:
            raise DataError(uri, f"line {number} is blank", remedy)
        if piece in numbers:
            raise DataError(uri, f"lines {numbers[piece]} and {number} are both {piece!r}", remedy)
        numbers[piece] = number
    missing = [piece for piece in SPECIAL_PIECES if piece not in numbers]
    if missing:
        raise DataError(uri, f"the vocabulary has no {' '.join(missing)}", remedy)
    return pieces


def load(uri: str, lowercase: bool) -> Tokenizer:
    """BERT's tokenizer over a vocab.txt; it adds no special pieces and cuts nothing off.

    Raises:
        DataError, StorageError: as `read`.
    """
    vocabulary = {piece: number for number, piece in enumerate(read(uri))}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=_LONGEST_WORD))
    tokenizer.normalizer = BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer


def _as_text(pieces: list[str]) -> str:
    return "".join(f"{piece}\n" for piece in pieces)


def _word_counts(texts: Iterable[str], lowercase: bool) -> Counter[str]:
    """How often each word of BERT's pre-tokenizer occurs.

    What stands between spaces is counted first and taken apart afterwards, each distinct string once: 10 times as fast.
    """
    counts: Counter[str] = Counter()
    forgotten = 0
    for text in texts:
        counts.update(text.split())
        if len(counts) > _MOST_COUNTED:
            while len(counts) > _MOST_COUNTED // 2:
                forgotten += 1
                counts = Counter({word: count for word, count in counts.items() if count > forgotten})
    normalizer, pre_tokenizer = BertNormalizer(lowercase=lowercase), BertPreTokenizer()
    words: Counter[str] = Counter()
    for string, count in counts.items():
        for word, _ in pre_tokenizer.pre_tokenize_str(normalizer.normalize_str(string)):
            if len(word) <= _LONGEST_WORD:
                words[word] += count
    return words


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
