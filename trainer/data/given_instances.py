"""Instances that others made -> samples: with the masks that they were given, or with others in each epoch."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainer.config import schema
from trainer.data.batches import Sample
from trainer.data.corpus import described, flat, mapped
from trainer.data.manifest import Manifest, Shard, SplitName
from trainer.data.masking import Masking
from trainer.errors import ConfigError


class Given(NamedTuple):
    """One instance as it was given."""

    tokens: NDArray[np.int32]
    """(L,) true ids: [CLS] A [SEP] B [SEP]"""
    first_length: int
    """Tokens of the first segment, [CLS] and [SEP] included."""
    masked_positions: NDArray[np.int32]
    """(P,) rising"""
    shown_ids: NDArray[np.int32]
    """(P,) what stands there instead of the true ids"""
    next_sentence_label: int
    """1: the second segment is random."""


class GivenInstances:
    """The instances of one split of a corpus of instances, numbered through its sources."""

    def __init__(self, uri: str, split: SplitName, settings: schema.Pretrain, masking: Masking) -> None:
        """Map the shards.

        Args:
            uri: the corpus's folder.
            split: which part of it.
            settings: of the stage.
            masking: of the stage; not used where the corpus keeps its masks.

        Raises:
            ConfigError: an instance is longer than the stage allows, or it asks for masks that the corpus has not.
            DataError: there is no whole corpus at `uri`, or a shard is missing, cut short or no shard of it.
            StorageError: the storage cannot be read.
        """
        corpus = described(uri)
        refuse_other_settings(corpus, settings)
        self._keep = _keeps_masks(corpus)
        self._settings = settings
        self._masking = masking
        shards = [shard for shard in corpus.shards if shard.split == split]
        self._shards = [_MappedShard(corpus.location or uri, shard) for shard in shards]
        self._firsts = np.cumsum([0, *(shard.documents for shard in shards)])
        self.counts = [0] * len(corpus.weights)
        for shard in shards:
            self.counts[shard.source] += shard.documents

    def __len__(self) -> int:
        return int(self._firsts[-1])

    def lengths(self, numbers: NDArray[np.int64], draws: NDArray[np.float64]) -> NDArray[np.int64]:  # noqa: ARG002 - given, not drawn
        """Tokens of the instances `numbers`."""
        shards = np.searchsorted(self._firsts, numbers, side="right") - 1
        lengths = np.empty_like(numbers)
        for shard in np.unique(shards).tolist():
            inside = shards == shard
            lengths[inside] = self._shards[shard].lengths(numbers[inside] - self._firsts[shard])
        return lengths

    def sample(self, number: int, draws: NDArray[np.float64], rng: np.random.Generator) -> Sample:  # noqa: ARG002 - given, not drawn
        """Instance `number`, with its own masks or with those that are drawn."""
        shard = int(np.searchsorted(self._firsts, number, side="right")) - 1
        row = self._shards[shard].row(number - int(self._firsts[shard]))
        token_type_ids = np.zeros(row.tokens.size, np.uint8)
        token_type_ids[row.first_length :] = 1
        label = row.next_sentence_label if self._settings.next_sentence_prediction else None
        if not self._keep:
            masked = self._masking(row.tokens, rng)
            return Sample(masked.input_ids, token_type_ids, masked.positions, masked.labels, label)
        input_ids = row.tokens.copy()
        input_ids[row.masked_positions] = row.shown_ids
        return Sample(input_ids, token_type_ids, row.masked_positions, row.tokens[row.masked_positions], label)


def refuse_other_settings(corpus: Manifest, settings: schema.Pretrain) -> None:
    """Do nothing if a corpus is not of instances, or if its instances are what the stage asks for.

    Raises:
        ConfigError: an instance is longer than the stage allows, or it asks for masks that the corpus has not.
    """
    if corpus.kind != "instances":
        return
    longest = max(shard.longest for shard in corpus.shards)
    if longest > settings.max_length:
        problem = f"is {settings.max_length}, and the corpus has instances of up to {longest} tokens"
        remedy = f"set it to {longest} or more, or use instances that were made for this length"
        raise ConfigError(f"{settings.name}.max_length", problem, remedy)
    if _keeps_masks(corpus) and settings.whole_word_masking:
        problem = "is true, and the corpus keeps the masks that it was made with"
        remedy = "set it to false, or masks of corpus.sources to draw"
        raise ConfigError(f"{settings.name}.whole_word_masking", problem, remedy)


def _keeps_masks(corpus: Manifest) -> bool:
    return corpus.settings["corpus.sources"][0]["masks"] == "keep"  # all sources say the same


class _MappedShard:
    def __init__(self, uri: str, shard: Shard) -> None:
        names = ("tokens", "first_length", "masked_positions", "shown_ids", "next_sentence_label")
        tokens, firsts, positions, shown, labels = mapped(uri, shard, names)
        self._tokens, self._token_offsets = flat(tokens)
        self._first_lengths = firsts.to_numpy()
        self._positions, self._position_offsets = flat(positions)
        self._shown, _ = flat(shown)
        self._labels = labels.to_numpy()

    def lengths(self, numbers: NDArray[np.int64]) -> NDArray[np.int32]:
        return self._token_offsets[numbers + 1] - self._token_offsets[numbers]

    def row(self, number: int) -> Given:
        start, end = self._token_offsets[number : number + 2]
        first, last = self._position_offsets[number : number + 2]
        return Given(
            self._tokens[start:end].astype(np.int32),
            int(self._first_lengths[number]),
            self._positions[first:last].astype(np.int32),
            self._shown[first:last].astype(np.int32),
            int(self._labels[number]),
        )
