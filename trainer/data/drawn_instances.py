"""Documents of a corpus -> its instances: a chunk of sentences is drawn from and masked anew each time it comes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trainer.config import schema
from trainer.data.batches import Sample
from trainer.data.chunks import ChunkIndex
from trainer.data.corpus import Corpus
from trainer.data.instances import draw_instance, foreseen_lengths, room
from trainer.data.masking import Masking
from trainer.data.vocab import SpecialIds


class DrawnInstances:
    """The instances of one split of a corpus of documents; there are as many as chunks."""

    def __init__(self, corpus: Corpus, settings: schema.Pretrain, special: SpecialIds, masking: Masking) -> None:
        """Index the corpus.

        Args:
            corpus: the split.
            settings: of the stage.
            special: the special pieces' ids.
            masking: of the stage.
        """
        self._corpus = corpus
        self._settings = settings
        self._special = special
        self._masking = masking
        self._chunks = ChunkIndex(corpus.sentence_lengths(), room(settings))
        self.counts = _summed(self._chunks.counts, corpus.shard_sources, len(corpus.manifest.weights))

    def __len__(self) -> int:
        return len(self._chunks)

    def lengths(self, numbers: NDArray[np.int64], draws: NDArray[np.float64]) -> NDArray[np.int64]:
        """About how many tokens of text the instances of the chunks `numbers` have."""
        tokens, sentences = self._chunks.sizes(numbers)
        return foreseen_lengths(tokens, sentences, draws, self._settings)

    def sample(self, number: int, draws: NDArray[np.float64], rng: np.random.Generator) -> Sample:
        """An instance of chunk `number`, with masks."""
        instance = draw_instance(self._corpus, self._chunks[number], self._settings, self._special, draws, rng)
        masked = self._masking(instance.input_ids, rng)
        return Sample(
            masked.input_ids, instance.token_type_ids, masked.positions, masked.labels, instance.next_sentence_label
        )


def _summed(counts: Sequence[int], sources: Sequence[int], size: int) -> list[int]:
    """What the shards of each source have together."""
    sums = [0] * size
    for count, source in zip(counts, sources, strict=True):
        sums[source] += count
    return sums
