"""A corpus in parts, made by processes that share nothing but the storage.

Each part makes every N-th shard and writes a manifest of its own, last. Whoever finds all of them puts them together
into corpus.json; two that do so at once write the same. Nobody waits for the others at the end, so a cluster with room
for fewer pods than parts finishes too.
"""

import re
from collections import Counter, defaultdict
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainer import storage
from trainer.data import manifest
from trainer.data.manifest import SPLITS, Begun, Manifest, PartManifest, Settings, Shard, SplitName, Totals
from trainer.errors import ConfigError, DataError, StorageError

_SHARD_FILE = re.compile(r"\.?(train|held_out)-\d{5,}\.arrow.*")
_TEXT = re.compile(r"(\d{1,6})/(\d{1,6})")


class Part(NamedTuple):
    """Part `number` of `of`, counted from 0."""

    number: int = 0
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> "Part":
        """Read "3/8".

        Raises:
            ConfigError: it is not a part.
        """
        found = _TEXT.fullmatch(text)
        if not found or not int(found[1]) < int(found[2]):
            raise ConfigError("--part", f"{text!r} is no part", "count from 0: 0/8, 1/8, up to 7/8")
        return cls(int(found[1]), int(found[2]))

    def makes(self, shard: int) -> bool:
        """Whether the shards of this number are made by this part."""
        return shard % self.of == self.number

    @property
    def file(self) -> str:
        return f"{self.number:05d}-of-{self.of:05d}.json"

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


WHOLE = Part()


def begin(uri: str, settings: Settings, part: Part) -> None:
    """Note in the folder `uri` that a corpus of these settings is being made there, and in how many parts.

    Raises:
        ConfigError: one of other settings is.
    """
    names = storage.names(uri)
    where = storage.join(uri, "begun.json")
    if "corpus.json" in names:
        return
    if "begun.json" in names:
        before = manifest.read(where, Begun)
        if "parts" in names or any(map(_SHARD_FILE.fullmatch, names)):  # else whoever began got nowhere
            manifest.refuse_other_settings(before.settings, settings, uri)
        if (before.settings, before.parts) == (settings, part.of):
            return
    manifest.write(where, Begun(settings=settings, parts=part.of))


def done(uri: str, parts: int) -> int:
    """How many of the parts are finished."""
    finished = storage.names(storage.join(uri, "parts"))
    return sum(Part(number, parts).file in finished for number in range(parts))


def put_together(uri: str, parts: int) -> Manifest | None:
    """Write corpus.json if all parts are finished, and clear away what is not of it; None if some are not.

    Raises:
        ConfigError: no document is left to train on.
        DataError: the parts do not fit together.
    """
    made = storage.join(uri, "corpus.json")
    try:
        if done(uri, parts) == parts:
            return _put_together(uri, parts)
    except StorageError:
        if "corpus.json" not in storage.names(uri):  # else another part was faster and cleared them away
            raise
    return manifest.read(made, Manifest) if "corpus.json" in storage.names(uri) else None


def clear(uri: str) -> None:
    """Delete what was only there while the corpus was being made."""
    storage.remove(storage.join(uri, "parts"))
    storage.remove(storage.join(uri, "duplicates.json"))
    storage.remove(storage.join(uri, "begun.json"))


def unigram_entropy(counts: NDArray[np.int64]) -> float:
    """The entropy, in nats, of drawing a token with the frequency it was counted with."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def _put_together(uri: str, parts: int) -> Manifest:
    folder = storage.join(uri, "parts")
    found = [manifest.read(storage.join(folder, Part(number, parts).file), PartManifest) for number in range(parts)]
    first = found[0]
    for number, part in enumerate(found):
        if (part.settings, part.text_sha256) != (first.settings, first.text_sha256):
            problem = f"part {number} read other text than part 0, or has another vocabulary"
            raise DataError(folder, problem, "delete this folder; the same command makes anew only what differs")
    after = _described(found)
    if not after.totals["train"].documents:
        _remove_shards(uri, but=set())
        clear(uri)
        if not after.totals["held_out"].documents:
            remedy = "check corpus.sources, and what corpus.cleaning leaves out"
            raise DataError(uri, "no document of the text is left", remedy)
        share = first.settings["corpus.held_out"]
        problem = f"{share} keeps every document from training"
        raise ConfigError("corpus.held_out", problem, "set it to 0, or add text")
    _remove_shards(uri, but={shard.name for shard in after.shards})  # those of a preparation of other text
    manifest.write(storage.join(uri, "corpus.json"), after)
    clear(uri)
    return after


def _remove_shards(uri: str, but: set[str]) -> None:
    for name in storage.names(uri):
        if _SHARD_FILE.fullmatch(name) and name not in but:
            storage.remove(storage.join(uri, name))


def _described(parts: list[PartManifest]) -> Manifest:
    first = parts[0]
    shards: dict[SplitName, list[Shard]] = defaultdict(list)
    for part in parts:
        for shard in part.shards:
            shards[shard.split].append(shard)
    train, held_out = (
        np.sum([np.array(part.token_counts[split], np.int64) for part in parts], axis=0) for split in SPLITS
    )
    counts = train + held_out
    return Manifest(
        settings=first.settings,
        kind=first.kind,
        weights=tuple(source["weight"] for source in first.settings["corpus.sources"]),
        vocab_size=first.vocab_size,
        totals={"train": _totals(shards["train"]), "held_out": _totals(shards["held_out"])},
        left_out=dict(sorted(sum((Counter(part.left_out) for part in parts), Counter[str]()).items())),
        unknown_words=manifest.most_frequent(sum((Counter(part.unknown_words) for part in parts), Counter[str]())),
        unknown_rate=float(counts[first.unknown_id] / max(counts.sum(), 1)),
        unigram_entropy=unigram_entropy(train) if train.any() else 0.0,
        text_sha256=first.text_sha256,
        shards=tuple(shard for split in SPLITS for shard in sorted(shards[split], key=_by_name)),
    )


def _by_name(shard: Shard) -> str:
    return shard.name


def _totals(shards: list[Shard]) -> Totals:
    return Totals(
        documents=sum(shard.documents for shard in shards),
        sentences=sum(shard.sentences for shard in shards),
        tokens=sum(shard.tokens for shard in shards),
    )
