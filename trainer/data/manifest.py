"""What is written beside data: corpus.json, vocab.json, and what parts tell of themselves while a corpus is made.

A manifest is written last, so where there is one the data is whole. It holds every setting that shaped the data, and a
run with other settings is refused instead of being trained on data it did not ask for.
"""

import json
from collections import Counter
from collections.abc import Collection
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from trainer import storage
from trainer.config.redaction import without_credentials
from trainer.errors import ConfigError, DataError

SplitName = Literal["train", "held_out"]
SPLITS: tuple[SplitName, SplitName] = ("train", "held_out")
_MOST_NAMED = 50
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
    source: int
    """Which of corpus.sources its documents are from, counted from 0."""
    longest: int
    """Tokens in its longest document or instance."""
    bytes: int
    sha256: str


class Manifest(_Record):
    """corpus.json: a prepared corpus."""

    format: Literal[1] = 1
    settings: Settings
    kind: Literal["documents", "instances"]
    """What a row of a shard is: text, of which instances are drawn, or an instance that was made elsewhere."""
    weights: tuple[float, ...]
    """Of each source: how often an epoch goes through it."""
    vocab_size: int
    totals: dict[SplitName, Totals]
    left_out: dict[str, int]
    """Why documents were left out -> how many."""
    unknown_rate: float
    """Share of the tokens of both splits that are [UNK]."""
    unknown_words: dict[str, int]
    """Words that are [UNK], the most frequent ones -> how often they were met."""
    unigram_entropy: float
    """Of the training tokens, in nats: the loss of a model that knows word frequencies and nothing else."""
    text_sha256: str
    """Of all documents, in order."""
    shards: tuple[Shard, ...]
    location: str | None = None
    """Where the shards lie, if not beside this file: a run keeps the manifest of a prepared corpus, not the shards."""


class VocabManifest(_Record):
    """vocab.json: a trained or copied vocabulary."""

    format: Literal[1] = 1
    settings: Settings
    sha256: str
    """Of vocab.txt."""
    size: int
    """Pieces in it; small text gives fewer than asked for."""
    lowercase: bool
    """Whether the tokenizer lower-cases and strips accents."""
    documents: int | None
    """How many it was trained on; None if it was given."""


class Begun(_Record):
    """begun.json: a corpus is being made here; gone when it is finished."""

    format: Literal[1] = 1
    settings: Settings
    parts: int


class PartManifest(_Record):
    """parts/00003-of-00008.json: all shards of a part are written; gone when the corpus is finished."""

    format: Literal[1] = 1
    settings: Settings
    kind: Literal["documents", "instances"]
    vocab_size: int
    unknown_id: int
    text_sha256: str
    """Of all documents, not only the part's own."""
    left_out: dict[str, int]
    unknown_words: dict[str, int]
    shards: tuple[Shard, ...]
    token_counts: dict[SplitName, list[int]]


class Duplicates(_Record):
    """duplicates.json: which documents go because they are one; gone when the corpus is finished."""

    format: Literal[1] = 1
    settings: Settings
    documents: dict[int, str]
    """Their numbers in all text -> what they are."""


AnyManifest = TypeVar("AnyManifest", Manifest, VocabManifest, Begun, PartManifest, Duplicates)


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


def write(uri: str, manifest: Manifest | VocabManifest | Begun | PartManifest | Duplicates) -> None:
    storage.write_text(uri, manifest.model_dump_json(indent=1) + "\n")


def most_frequent(words: Counter[str]) -> dict[str, int]:
    """As many of the words as a manifest names."""
    return dict(sorted(words.items(), key=lambda word: (-word[1], word[0]))[:_MOST_NAMED])


def settings_of(section: str, model: BaseModel, leaving_out: Collection[str] = ()) -> Settings:
    """The settings in a section of the run, by their dotted names, without the credentials that a URI may carry."""
    settings = without_credentials(model.model_dump(mode="json", exclude=set(leaving_out)))
    return {f"{section}.{name}": value for name, value in settings.items()}


def refuse_other_settings(before: Settings, now: Settings, made: str) -> None:
    """Do nothing if the settings that the data at the URI `made` was made with are those that the run asks for.

    Raises:
        ConfigError: names the first setting that differs, and both values.
    """
    for name in now:
        if before.get(name) != now[name]:
            problem = f"is {json.dumps(now[name])}, but {made} was made with {json.dumps(before.get(name))}"
            raise ConfigError(name, problem, f"set it back, give the run another name, or delete {made}")
