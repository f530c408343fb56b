"""(step, rank, world size) -> samples. Batch n is a function of (data, seed, n).

Every random draw uses a generator that is made from (seed, epoch, sample), so it matters neither which rank makes a
sample nor what was made before it: batches are the same at any world size, and step 10 million costs what step 0
does.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainer.config import schema
from trainer.data.chunks import ChunkIndex
from trainer.data.corpus import Corpus
from trainer.data.instances import draw_instance, room
from trainer.data.masking import Masking
from trainer.data.order import rank_slice, sample_ids
from trainer.data.randomness import generator
from trainer.data.vocab import SpecialIds


class Sample(NamedTuple):
    """One masked instance of L tokens with P predictions."""

    input_ids: NDArray[np.int32]
    """(L,)"""
    token_type_ids: NDArray[np.uint8]
    """(L,)"""
    masked_positions: NDArray[np.int32]
    """(P,) rising"""
    labels: NDArray[np.int32]
    """(P,) the true ids at the masked positions"""
    next_sentence_label: int | None
    """1: the second part is random. None without next-sentence prediction."""


class PretrainSamples:
    """The samples of one split of a corpus."""

    def __init__(
        self, corpus: Corpus, settings: schema.Pretrain, special: SpecialIds, vocab_size: int, seed: int
    ) -> None:
        """Index the corpus.

        Args:
            corpus: the split.
            settings: of the stage.
            special: the special pieces' ids.
            vocab_size: ids are below it.
            seed: of order, instances and masks. Stages with one seed and one length see the same batches.
        """
        self._corpus = corpus
        self._settings = settings
        self._special = special
        self._seed = seed
        self._masking = Masking(special, vocab_size, settings.mlm_probability, settings.max_predictions)
        self._chunks = ChunkIndex(corpus.sentence_lengths(), room(settings))

    def __len__(self) -> int:
        """Samples in an epoch."""
        return len(self._chunks)

    def samples(self, step: int, rank: int, world_size: int) -> list[Sample]:
        """The rank's part of the batch of optimizer step `step`, which is counted from 0."""
        batch_size = self._settings.batch_size
        epochs, numbers = sample_ids(step, batch_size, len(self), self._seed)
        part = rank_slice(batch_size, rank, world_size)
        return [self._sample(*pair) for pair in zip(epochs[part].tolist(), numbers[part].tolist(), strict=True)]

    def evaluation(self, rank: int, world_size: int) -> Iterator[Sample]:
        """The rank's part of all chunks, each once and in order; the same instances and masks whenever it is called."""
        part = rank_slice(len(self), rank, world_size)
        return (self._sample(0, number) for number in range(part.start, part.stop))

    def _sample(self, epoch: int, number: int) -> Sample:
        rng = generator(self._seed, epoch, number)
        instance = draw_instance(self._corpus, self._chunks[number], self._settings, self._special, rng)
        masked = self._masking(instance.input_ids, rng)
        return Sample(
            masked.input_ids, instance.token_type_ids, masked.positions, masked.labels, instance.next_sentence_label
        )
