"""Text -> vocab.txt and shards on storage, each done once.

Documents flow through one at a time and the manifest is written last. What is there with the same settings is used as
it is; what was begun and not finished is made again; what was made with other settings is refused. Memory holds one
document, one slab of sentences and the shard of each split that is being filled.
"""

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from trainer import storage
from trainer.config import schema
from trainer.data import manifest, vocab
from trainer.data.encoding import encoded
from trainer.data.manifest import Manifest, Settings, VocabManifest
from trainer.data.shards import SplitWriter
from trainer.data.sources import documents
from trainer.errors import ConfigError

Progress = Callable[[str, int, int | None], None]
"""Called with what is counted, how many are done, and how many there are if that is known."""
Sources = Sequence[tuple[schema.TextSource, str]]
"""Each source of the run with its resolved URI."""

_UNFINISHED = re.compile(r"\.?(train|held_out)-\d{5,}\.arrow.*")


def prepare_vocab(
    settings: schema.Vocab, given: str | None, sources: Sources, uri: str, *, progress: Progress
) -> VocabManifest:
    """Make `uri`/vocab.txt and, last, `uri`/vocab.json.

    Args:
        settings: the run's `vocab`.
        given: the resolved URI of `settings.path`, which is checked and copied; without one the vocabulary is trained.
        sources: what it is trained on; not read where one is given.
        uri: the folder to write to.
        progress: told of every 1000 documents and of the last.

    Raises:
        ConfigError: the folder holds a vocabulary that was made with other settings.
        DataError: the given vocabulary or the text is unusable.
    """
    made = storage.join(uri, "vocab.json")
    text = None if given else [source.model_dump(mode="json") for source, _ in sources]
    wanted = manifest.settings_of("vocab", settings) | {"corpus.sources": text}
    if storage.exists(made):
        before = manifest.read(made, VocabManifest)
        manifest.refuse_other_settings(before.settings, wanted, uri)
        return before
    if given:
        pieces = vocab.read(given)
    else:
        pieces = vocab.train(_documents(sources, progress), settings.size, settings.lowercase)
    vocab.save(pieces, storage.join(uri, "vocab.txt"))
    after = VocabManifest(settings=wanted, sha256=vocab.fingerprint(pieces), size=len(pieces))
    manifest.write(made, after)
    return after


def prepare(
    corpus: schema.Corpus, sources: Sources, tokenizer: Tokenizer, vocab_sha256: str, uri: str, *, progress: Progress
) -> Manifest:
    """Make the shards and, last, `uri`/corpus.json.

    Args:
        corpus: the run's `corpus`.
        sources: its sources with resolved URIs.
        tokenizer: as `vocab.load` makes it.
        vocab_sha256: of the tokenizer's vocab.txt.
        uri: the folder to write to; what an unfinished preparation left there is deleted.
        progress: told of every 1000 documents and of the last.

    Raises:
        ConfigError: the folder holds a corpus that was made with other settings or another vocabulary.
        DataError: the text is unusable.
    """
    made = storage.join(uri, "corpus.json")
    wanted = manifest.settings_of("corpus", corpus) | {"SHA-256 of vocab.txt": vocab_sha256}
    if storage.exists(made):
        before = manifest.read(made, Manifest)
        manifest.refuse_other_settings(before.settings, wanted, uri)
        return before
    for name in filter(_UNFINISHED.fullmatch, storage.names(uri)):
        storage.remove(storage.join(uri, name))
    size = tokenizer.get_vocab_size()
    train = SplitWriter(uri, "train", corpus.documents_per_shard, size)
    held_out = SplitWriter(uri, "held_out", corpus.documents_per_shard, size)
    for number, document in enumerate(encoded(_documents(sources, progress), tokenizer)):
        (held_out if is_held_out(number, corpus.held_out) else train).add(document)
    train.flush()
    held_out.flush()
    if not train.shards:
        problem = f"{corpus.held_out} keeps a document from training, and there is no other one"
        raise ConfigError("corpus.held_out", problem, "set it to 0, or add text")
    after = _described(wanted, train, held_out, vocab.special_ids(tokenizer).unk)
    manifest.write(made, after)
    return after


def is_held_out(number: int, share: float) -> bool:
    """Whether a document is kept from training, by a hash of its number; the first is, if `share` is not 0."""
    mixed = (number * 0x9E3779B97F4A7C15) & (1 << 64) - 1
    mixed = ((mixed ^ mixed >> 32) * 0xD6E8FEB86659FD93) & (1 << 64) - 1
    return (mixed ^ mixed >> 32) < share * 2**64


def unigram_entropy(counts: NDArray[np.int64]) -> float:
    """The entropy, in nats, of drawing a token with the frequency it was counted with."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def _described(settings: Settings, train: SplitWriter, held_out: SplitWriter, unknown_id: int) -> Manifest:
    counts = train.token_counts + held_out.token_counts
    return Manifest(
        settings=settings,
        vocab_size=counts.size,
        totals={"train": train.totals, "held_out": held_out.totals},
        unknown_rate=float(counts[unknown_id] / counts.sum()),
        unigram_entropy=unigram_entropy(train.token_counts),
        shards=(*train.shards, *held_out.shards),
    )


def _documents(sources: Sources, progress: Progress) -> Iterator[str]:
    number = 0
    for source, uri in sources:
        for document in documents(source, uri):
            number += 1
            if number % 1000 == 0:
                progress("documents", number, None)
            yield document
    progress("documents", number, number)
