"""The tokenizer of a model directory: three files that Berth and Hugging Face read alike.

`tokenizer.json` is the library's own, complete form; `vocab.txt` and `tokenizer_config.json` are what older programs
and `BertTokenizer` ask for. Older directories hold only the latter two, so both are read.
"""

import json
import re
from collections.abc import Collection
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece

from trainer import storage
from trainer.errors import CheckpointError

SPECIAL_TOKENS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}

_SPECIAL = re.compile(r"\[\w+\]")
"""[CLS], [unused0]: says nothing of the case of a vocabulary."""


def complete(tokenizer: Tokenizer, where: str) -> Tokenizer:
    """A copy that makes `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`, reads [MASK] as one piece, never cuts or pads.

    Raises:
        CheckpointError: not WordPiece as BERT does it, or without a special token. `where` is the place that is named.
    """
    if not (isinstance(tokenizer.model, WordPiece) and isinstance(tokenizer.normalizer, normalizers.BertNormalizer)):
        raise CheckpointError(where, "the tokenizer is not BERT's WordPiece", "choose a BERT model")
    for token in SPECIAL_TOKENS.values():
        if tokenizer.token_to_id(token) is None:
            raise CheckpointError(
                where, f"the vocabulary has no {token}", "choose the vocabulary that the model was trained with"
            )
    copy = Tokenizer.from_str(tokenizer.to_str())
    copy.no_truncation()
    copy.no_padding()
    copy.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL_TOKENS.values()])
    copy.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, copy.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
    copy.decoder = decoders.WordPiece()
    return copy


def write(tokenizer: Tokenizer, uri: str, model_max_length: int) -> None:
    """Write the three files; `tokenizer` is a `complete` one."""
    normalizer = tokenizer.normalizer
    pieces = sorted(tokenizer.get_vocab().items(), key=lambda piece: piece[1])
    settings = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": normalizer.lowercase,
        "tokenize_chinese_chars": normalizer.handle_chinese_chars,
        "strip_accents": normalizer.strip_accents,
        "model_max_length": model_max_length,
        **SPECIAL_TOKENS,
    }
    storage.write_text(storage.join(uri, "vocab.txt"), "".join(f"{piece}\n" for piece, _ in pieces))
    storage.write_text(storage.join(uri, "tokenizer.json"), tokenizer.to_str(pretty=True))
    storage.write_text(storage.join(uri, "tokenizer_config.json"), json.dumps(settings, indent=2) + "\n")


def has(names: Collection[str]) -> bool:
    """Whether a directory that holds `names` has a tokenizer."""
    return "tokenizer.json" in names or "vocab.txt" in names


def read(uri: str) -> Tokenizer:
    """The tokenizer of the model directory `uri`, or of a file in one: its tokenizer.json or vocab.txt.

    Raises:
        CheckpointError: there is none, or it cannot be read.
    """
    if uri.endswith(".json"):
        return complete(_from_json(storage.read_text(uri, storage.MOST_SETTINGS), uri), uri)
    if uri.endswith(".txt"):
        return of_vocabulary(storage.read_text(uri, storage.MOST_SETTINGS), uri)
    names = storage.names(uri)
    if "tokenizer.json" in names:
        return read(storage.join(uri, "tokenizer.json"))
    if "vocab.txt" not in names:
        raise CheckpointError(uri, "holds neither tokenizer.json nor vocab.txt", "copy the model's vocabulary there")
    where = storage.join(uri, "vocab.txt")
    settings = _settings(storage.join(uri, "tokenizer_config.json")) if "tokenizer_config.json" in names else {}
    return of_vocabulary(
        storage.read_text(where, storage.MOST_SETTINGS),
        where,
        lowercase=settings.get("do_lower_case"),
        handle_chinese_chars=settings.get("tokenize_chinese_chars"),
        strip_accents=settings.get("strip_accents"),
    )


def of_vocabulary(
    text: str,
    where: str,
    lowercase: bool | None = None,
    handle_chinese_chars: bool | None = None,
    strip_accents: bool | None = None,
) -> Tokenizer:
    """The tokenizer of a vocab.txt, one piece a line.

    What is None is as in Google's BERT: a vocabulary with upper-case letters is cased, others are not; Chinese
    characters stand alone; accents are stripped where letters are lower-cased.

    Raises:
        CheckpointError: it lacks a special token.
    """
    pieces = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if lowercase is None:
        lowercase = all(piece == piece.lower() for piece in pieces if not _SPECIAL.fullmatch(piece))
    tokenizer = Tokenizer(WordPiece({piece: number for number, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(
        lowercase=lowercase, handle_chinese_chars=handle_chinese_chars is not False, strip_accents=strip_accents
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return complete(tokenizer, where)


def _from_json(text: str, where: str) -> Tokenizer:
    try:
        return Tokenizer.from_str(text)
    except Exception as error:  # the library raises this bare class
        raise CheckpointError(where, f"not a tokenizer ({error})", "export the model again") from error


def _settings(where: str) -> dict[str, Any]:
    try:
        settings: Any = json.loads(storage.read_text(where, storage.MOST_SETTINGS))
    except (ValueError, RecursionError):
        settings = None
    if not isinstance(settings, dict):
        raise CheckpointError(where, "not a JSON object", "export the model again")
    return settings
