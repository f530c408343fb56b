"""Small corpora, and settings for them."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from trainer import storage
from trainer.data import manifest
from trainer.data.corpus import Corpus
from trainer.data.shards import Document, Notes, Place, write_shard
from trainer.data.vocab import SpecialIds


@pytest.fixture
def special() -> SpecialIds:
    return SpecialIds(pad=0, unk=1, cls=2, sep=3, mask=4)


@pytest.fixture
def numbered_corpus(tmp_path: Path) -> Callable[..., Corpus]:
    """Writes documents of sentences of the given lengths; tokens are 5, 6, 7 ..., so each tells where it stands.

    There is a source for each weight: the first shards are of one source each, the last source has the rest.
    """
    folders = (str(tmp_path / f"corpus-{number}") for number in itertools.count())

    def write(
        documents: Sequence[Sequence[int]],
        documents_per_shard: int = 1000,
        vocab_size: int = 1 << 20,
        weights: tuple[float, ...] = (1,),
    ) -> Corpus:
        uri = next(folders)
        numbered: list[Document] = []
        token = 5
        for lengths in documents:
            tokens = np.arange(token, token + sum(lengths), dtype=np.uint32)
            numbered.append(Document(tokens, np.array(lengths, np.uint16)))
            token += sum(lengths)
        shards = [
            write_shard(
                uri,
                Place("train", number, source=min(number, len(weights) - 1)),
                numbered[start : start + documents_per_shard],
                vocab_size=vocab_size,
                notes=Notes("", {}, {}),
            ).shard
            for number, start in enumerate(range(0, len(numbered), documents_per_shard))
        ]
        described = manifest.Manifest(
            settings={},
            kind="documents",
            weights=weights,
            left_out={},
            unknown_words={},
            vocab_size=vocab_size,
            totals={"train": manifest.Totals(), "held_out": manifest.Totals()},
            unknown_rate=0,
            unigram_entropy=0,
            text_sha256="",
            shards=tuple(shards),
        )
        manifest.write(storage.join(uri, "corpus.json"), described)
        return Corpus(uri, "train")

    return write
