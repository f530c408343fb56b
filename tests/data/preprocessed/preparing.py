"""Prepares corpora of instances by the real functions, on the local disk."""

from pathlib import Path
from typing import Any

from tests.data.making import silent
from tests.data.preprocessed.making import World
from trainer.config.corpus import Corpus, Source, Vocab
from trainer.data import vocab
from trainer.data.corpus_parts import WHOLE, Part
from trainer.data.manifest import Manifest
from trainer.data.prepare import prepare, prepare_vocab
from trainer.data.shared_corpus import load_tokenizer


def write_vocab(folder: Path, world: World) -> str:
    vocab.save(world.pieces, str(folder / "vocab.txt"))
    return str(folder / "vocab.txt")


def make(folder: Path, world: World, *paths: Path | str, **settings: Any) -> Manifest:
    """The vocabulary and the corpus below `folder`."""
    made = make_part(folder, world, *paths, part=WHOLE, **settings)
    assert made is not None
    return made


def make_part(
    folder: Path,
    world: World,
    *paths: Path | str,
    part: Part,
    masks: str = "keep",
    kind: str = "hdf5",
    processes: int = 1,
    weights: tuple[float, ...] = (),
    **settings: Any,
) -> Manifest | None:
    sources = [
        Source.model_validate({"path": str(path), "format": kind, "masks": masks, "weight": weight})
        for path, weight in zip(paths, weights or [1] * len(paths), strict=True)
    ]
    corpus = Corpus.model_validate({"sources": sources, "documents_per_shard": 100, "held_out": 0.1, **settings})
    folder.mkdir(exist_ok=True)
    given = write_vocab(folder, world)
    words = prepare_vocab(Vocab(path=given), given, corpus, None, str(folder / "vocab"))
    return prepare(
        corpus,
        [(source, source.path) for source in sources],
        load_tokenizer(str(folder / "vocab")),
        words,
        str(folder / "corpus"),
        progress=silent,
        processes=processes,
        part=part,
    )
