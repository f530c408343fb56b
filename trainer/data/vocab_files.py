"""A vocabulary that is given, in the forms that people have: vocab.txt, tokenizer.json, a Hugging Face directory."""

import json
from typing import Any

from trainer import storage
from trainer.data import vocab
from trainer.errors import ConfigError, DataError

_REMEDY = "give a vocab.txt of BERT, one piece a line, or the tokenizer.json of a BERT tokenizer"


def read_given(uri: str, lowercase: bool) -> list[str]:
    """The pieces of a given vocabulary, in the order of their ids.

    Args:
        uri: a vocab.txt, a tokenizer.json (any name in .json), or a directory with one of them.
        lowercase: the run's `vocab.lowercase`; what is given may not say otherwise.

    Raises:
        ConfigError: it was made for a tokenizer that lower-cases, and `lowercase` is not set, or the other way round.
        DataError: it is not a WordPiece vocabulary of BERT.
        StorageError: it cannot be read.
    """
    if uri.endswith(".json"):
        return _of_tokenizer(uri, lowercase)
    names = storage.names(uri) if not uri.endswith(".txt") else []
    if "tokenizer.json" in names:
        return _of_tokenizer(storage.join(uri, "tokenizer.json"), lowercase)
    if "vocab.txt" in names:
        if "tokenizer_config.json" in names:
            config = storage.join(uri, "tokenizer_config.json")
            _refuse_other_case(_json(config).get("do_lower_case"), lowercase, config)
        return vocab.read(storage.join(uri, "vocab.txt"))
    return vocab.read(uri)


def _of_tokenizer(uri: str, lowercase: bool) -> list[str]:
    described = _json(uri)
    model, normalizer = (described.get(name) or {} for name in ("model", "normalizer"))
    if (model.get("type"), model.get("continuing_subword_prefix")) != ("WordPiece", "##"):
        theirs = f"a {model['type']} tokenizer" if model.get("type") else "no tokenizer"
        raise DataError(uri, f"is {theirs}, not BERT's WordPiece with ##", _REMEDY)
    _refuse_other_case(normalizer.get("lowercase"), lowercase, uri)
    numbers: dict[str, int] = model["vocab"]
    pieces = sorted(numbers, key=numbers.__getitem__)
    if [numbers[piece] for piece in pieces] != list(range(len(pieces))):
        raise DataError(uri, "its ids are not 0, 1, 2 ...", _REMEDY)
    vocab.refuse_without_special(pieces, uri)
    return pieces


def _refuse_other_case(theirs: Any, lowercase: bool, uri: str) -> None:
    if isinstance(theirs, bool) and theirs != lowercase:
        raise ConfigError(
            "vocab.lowercase",
            f"is {str(lowercase).lower()}, and {uri} says {str(theirs).lower()}",
            f"set it to {str(theirs).lower()}",
        )


def _json(uri: str) -> Any:
    try:
        found = json.loads(storage.read_text(uri, storage.MOST_SETTINGS))
    except (ValueError, RecursionError) as error:
        raise DataError(uri, f"not JSON ({error})", _REMEDY) from error
    if not isinstance(found, dict):
        raise DataError(uri, "not a JSON object", _REMEDY)
    return found
