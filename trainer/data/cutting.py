"""Documents -> the text of each shard, cut at the same places by whoever reads the text.

Where a shard ends is a function of the documents as they are read, never of what is made of them: parts and processes
that prepare a corpus together agree without doing each other's work, and the corpus is the same at any number of them.
Every shard's text has a SHA-256, so that a shard that is there already is known to be of this text.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from trainer.config.corpus import Corpus
from trainer.data.manifest import SPLITS
from trainer.data.shards import Place

_SHARD_CHARACTERS = 1 << 24
"""A shard ends here even if it has not all its documents yet, so that whole books do not fill the memory."""


@dataclass(slots=True)
class ShardText:
    """What one shard is made of."""

    place: Place
    wanted: bool
    """Whether the documents are kept; else they are only counted."""
    documents: list[str] = field(default_factory=list)
    count: int = 0
    """Of all that were read for it, with those that are left out."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Why documents are left out already -> how many."""
    characters: int = 0
    sha256: str = hashlib.sha256().hexdigest()
    """Of the documents, where they end, and which are left out."""

    def add(self, document: str, left_out: str | None) -> None:
        self.count += 1
        self.characters += len(document)
        text = f"{self.sha256} {left_out} {len(document)} ".encode() + document.encode("utf-8", "surrogatepass")
        self.sha256 = hashlib.sha256(text).hexdigest()
        if left_out:
            self.left_out[left_out] += 1
        elif self.wanted:
            self.documents.append(document)


def cut(
    documents: Iterable[tuple[int, str]],
    corpus: Corpus,
    wanted: Callable[[int], bool],
    left_out: Callable[[int], str | None] = lambda _number: None,
) -> Iterator[ShardText]:
    """All shards of both splits, each as soon as it is full.

    Args:
        documents: (source, document); all of a source one after the other. A shard holds those of one source.
        corpus: says how large a shard is, and how much is held out.
        wanted: of which shard numbers the text is kept.
        left_out: why a document, by its number in all text, is left out.
    """
    nexts = Counter(dict.fromkeys(SPLITS, 0))
    filling: dict[str, ShardText] = {}
    for number, (source, document) in enumerate(documents):
        split = "held_out" if is_held_out(number, corpus.held_out) else "train"
        if any(text.place.source != source for text in filling.values()):
            yield from _drained(filling)
        if split not in filling:
            filling[split] = ShardText(Place(split, nexts[split], source), wanted(nexts[split]))
            nexts[split] += 1
        shard = filling[split]
        shard.add(document, left_out(number))
        if shard.count == corpus.documents_per_shard or shard.characters >= _SHARD_CHARACTERS:
            del filling[split]
            yield shard
    yield from _drained(filling)


def is_held_out(number: int, share: float) -> bool:
    """Whether a document is kept from training, by a hash of its number; the first is, if `share` is not 0."""
    mixed = (number * 0x9E3779B97F4A7C15) & (1 << 64) - 1
    mixed = ((mixed ^ mixed >> 32) * 0xD6E8FEB86659FD93) & (1 << 64) - 1
    return (mixed ^ mixed >> 32) < share * 2**64


def _drained(filling: dict[str, ShardText]) -> Iterator[ShardText]:
    for split in SPLITS:
        if split in filling:
            yield filling.pop(split)
