"""Documents -> the text of each shard, cut at the same places by whoever reads the text.

Where a shard ends is a function of the raw text alone, never of its tokens: parts that prepare a corpus together agree
without tokenizing each other's documents, and the corpus is the same at any number of parts. Every shard's text has a
SHA-256, so that a shard that is there already is known to be of this text.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from trainer.config.schema import Corpus
from trainer.data.manifest import SPLITS, SplitName

_SHARD_CHARACTERS = 1 << 25
"""A shard ends here even if it has not all its documents yet, so that whole books do not fill the memory."""


@dataclass(slots=True)
class ShardText:
    """What one shard is made of."""

    split: SplitName
    number: int
    """Among the shards of its split."""
    wanted: bool
    """Whether the documents are kept; else they are only counted."""
    documents: list[str] = field(default_factory=list)
    count: int = 0
    characters: int = 0
    _hash: Any = field(default_factory=hashlib.sha256)

    def add(self, document: str) -> None:
        if self.wanted:
            self.documents.append(document)
        self.count += 1
        self.characters += len(document)
        self._hash.update(f"{len(document)} ".encode() + document.encode())

    @property
    def name(self) -> str:
        """The file's."""
        return f"{self.split}-{self.number:05d}.arrow"

    @property
    def sha256(self) -> str:
        """Of the documents and where they end."""
        return str(self._hash.hexdigest())


def cut(documents: Iterable[str], corpus: Corpus, wanted: Callable[[int], bool]) -> Iterator[ShardText]:
    """All shards of both splits, each as soon as it is full; those of a number that is not `wanted` without text."""
    filling = {split: ShardText(split, 0, wanted(0)) for split in SPLITS}
    for number, document in enumerate(documents):
        shard = filling["held_out" if is_held_out(number, corpus.held_out) else "train"]
        shard.add(document)
        if shard.count == corpus.documents_per_shard or shard.characters >= _SHARD_CHARACTERS:
            filling[shard.split] = ShardText(shard.split, shard.number + 1, wanted(shard.number + 1))
            yield shard
    yield from (shard for shard in filling.values() if shard.count)


def is_held_out(number: int, share: float) -> bool:
    """Whether a document is kept from training, by a hash of its number; the first is, if `share` is not 0."""
    mixed = (number * 0x9E3779B97F4A7C15) & (1 << 64) - 1
    mixed = ((mixed ^ mixed >> 32) * 0xD6E8FEB86659FD93) & (1 << 64) - 1
    return (mixed ^ mixed >> 32) < share * 2**64
