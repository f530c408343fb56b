"""Tokenizers and real questions for the SQuAD tests."""

import unicodedata
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from trainer.squad import examples

SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def wordpiece(pieces: list[str], *, lowercase: bool = True) -> Tokenizer:
    tokenizer = Tokenizer(WordPiece({piece: index for index, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer


@pytest.fixture(scope="session")
def letters() -> Tokenizer:
    """A token for each letter and digit: `n` tokens are `n` characters."""
    characters = "abcdefghijklmnopqrstuvwxyz0123456789.,?'"
    return wordpiece([*SPECIALS, *characters, *(f"##{character}" for character in characters)])


@pytest.fixture(scope="session")
def any_script() -> dict[bool, Tokenizer]:
    """Tokenizers that cut words of many scripts into single characters, uncased (True) and cased (False)."""
    letters = (
        "abzeAaonuøłisﬁéÅñüßאבגשםابتسل한국日本語กขทहन😀🚀"
        + unicodedata.normalize("NFD", "한국어")
        + "\u0301\u0302\u05b8"
    )
    pieces = list(dict.fromkeys([*SPECIALS, *letters, *(f"##{letter}" for letter in letters)]))
    return {lowercase: wordpiece(pieces, lowercase=lowercase) for lowercase in (True, False)}


@pytest.fixture(scope="session")
def bert(shared_data: Path) -> Tokenizer:
    """The real uncased vocabulary of BERT."""
    return wordpiece((shared_data / "bert-base-uncased-vocab.txt").read_text(encoding="utf-8").splitlines())


@pytest.fixture(scope="session")
def dev(shared_data: Path) -> examples.Dataset:
    """The official development set of SQuAD v1.1."""
    return examples.load(str(shared_data / "squad" / "dev-v1.1.json.gz"))
