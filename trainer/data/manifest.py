"""What is written beside finished data: corpus.json and vocab.json.

A manifest is written last, so where there is one the data is whole. It holds every setting that shaped the data, and a
run with other settings is refused instead of being trained on data it did not ask for.
"""

import json
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from trainer import storage
from trainer.errors import ConfigError, DataError

SplitName = Literal["train", "held_out"]
Settings = dict[str, Any]
"""Dotted name of a setting of the run -> value."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Totals(_Record):
    """How much text there is in a split."""

    documents: int = 0
    sentences: int = 0
    tokens: int = 0


class Shard(Totals):
    """One Arrow file."""

    name: str
    split: SplitName
    bytes: int
    sha256: str


class Manifest(_Record):
    """corpus.json: a prepared corpus."""

    format: Literal[1] = 1
    settings: Settings
    vocab_size: int
    totals: dict[SplitName, Totals]
    unknown_rate: float
    """Share of the tokens of both splits that are [UNK]."""
    unigram_entropy: float
    """Of the training tokens, in nats: the loss of a model that knows word frequencies and nothing else."""
    shards: tuple[Shard, ...]


class VocabManifest(_Record):
    """vocab.json: a trained or copied vocabulary."""

    format: Literal[1] = 1
    settings: Settings
    sha256: str
    """Of vocab.txt."""
    size: int
    """Pieces in it; small text gives fewer than asked for."""


AnyManifest = TypeVar("AnyManifest", Manifest, VocabManifest)


def read(uri: str, kind: type[AnyManifest]) -> AnyManifest:
    """Read a manifest.

    Raises:
        DataError: it is not one, or one of another version.
        StorageError: it cannot be read.
    """
    try:
        return kind.model_validate_json(storage.read_text(uri))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        problem = f"not a {kind.__name__} of this version ({place}: {first['msg'].lower()})"
        raise DataError(uri, problem, "delete its folder; the same command makes it again") from error


def write(uri: str, manifest: Manifest | VocabManifest) -> None:
    storage.write_text(uri, manifest.model_dump_json(indent=1) + "\n")


def settings_of(section: str, model: BaseModel, **others: Any) -> Settings:
    """The settings in a section of the run, by their dotted names, and others."""
    named = {f"{section}.{name}": value for name, value in model.model_dump(mode="json").items()}
    return {**named, **others}


def refuse_other_settings(before: Settings, now: Settings, made: str) -> None:
    """Do nothing if the settings that the data at the URI `made` was made with are those that the run asks for.

    Raises:
        ConfigError: names the first setting that differs, and both values.
    """
    for name in now:
        if before.get(name) != now[name]:
            problem = f"is {json.dumps(now[name])}, but {made} was made with {json.dumps(before.get(name))}"
            raise ConfigError(name, problem, f"set it back, give the run another name, or delete {made}")
