"""Text -> vocab.txt and shards on storage, each done once.

Documents flow through one at a time and manifests are written last. What is there with the same settings is used as it
is; what was begun and not finished is gone on with, shard by shard; what was made with other settings is refused.
Memory holds the text of the shard of each split that is being filled, and the tokens of one shard.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from trainer import storage
from trainer.config import schema
from trainer.data import manifest, parts, vocab
from trainer.data.cutting import ShardText, cut
from trainer.data.encoding import encoded
from trainer.data.manifest import SPLITS, Manifest, PartManifest, Settings, Shard, SplitName, VocabManifest
from trainer.data.parts import WHOLE, Part
from trainer.data.shards import Counted, Document, finished_shard, write_shard
from trainer.data.sources import documents

Progress = Callable[[str, int, int | None], None]
"""Called with what is counted, how many are done, and how many there are if that is known."""
Sources = Sequence[tuple[schema.TextSource, str]]
"""Each source of the run with its resolved URI."""

_TELL_EVERY = 0.1
"""Seconds between two calls of `progress`."""


def begin(corpus: schema.Corpus, settings: schema.Vocab, uri: str, part: Part) -> None:
    """Claim the folder `uri` for the shards of a corpus before any work is done.

    Raises:
        ConfigError: a corpus of other settings is being made there.
    """
    parts.begin(uri, corpus_settings(corpus) | manifest.settings_of("vocab", settings), part)


def prepare_vocab(
    settings: schema.Vocab, given: str | None, sources: Sources, uri: str, *, progress: Progress
) -> VocabManifest:
    """Make `uri`/vocab.txt and, last, `uri`/vocab.json.

    Args:
        settings: the run's `vocab`.
        given: the resolved URI of `settings.path`, which is checked and copied; without one the vocabulary is trained.
        sources: what it is trained on; not read where one is given.
        uri: the folder to write to.
        progress: told of documents now and then, and at the end.

    Raises:
        ConfigError: the folder holds a vocabulary that was made with other settings.
        DataError: the given vocabulary or the text is unusable.
    """
    made = storage.join(uri, "vocab.json")
    text = None if given else [source.model_dump(mode="json") for source, _ in sources]
    wanted = manifest.settings_of("vocab", settings) | {"corpus.sources": text}
    if "vocab.json" in storage.names(uri):
        before = manifest.read(made, VocabManifest)
        manifest.refuse_other_settings(before.settings, wanted, uri)
        return before
    count = _Count(progress)
    if given:
        pieces = vocab.read(given)
    else:
        pieces = vocab.train(count.over(_documents(sources)), settings.size, settings.lowercase)
        count.finish()
    vocab.save(pieces, storage.join(uri, "vocab.txt"))
    after = VocabManifest(
        settings=wanted,
        sha256=vocab.fingerprint(pieces),
        size=len(pieces),
        lowercase=settings.lowercase,
        documents=None if given else count.done,
    )
    manifest.write(made, after)
    return after


def prepare(
    corpus: schema.Corpus,
    sources: Sources,
    tokenizer: Tokenizer,
    words: VocabManifest,
    uri: str,
    *,
    progress: Progress,
    part: Part = WHOLE,
) -> Manifest | None:
    """Make a part's shards and, if it is the last to finish, `uri`/corpus.json.

    Args:
        corpus: the run's `corpus`.
        sources: its sources with resolved URIs.
        tokenizer: of the vocabulary that `words` describes, as `vocab.load` makes it.
        words: vocab.json.
        uri: the folder to write to; finished shards of the same text and settings are kept.
        progress: told of documents now and then, and at the end.
        part: which shards to make; without it all of them.

    Returns:
        The whole corpus's manifest, or None while other parts are not finished.

    Raises:
        ConfigError: the folder holds a corpus that was made with other settings or another vocabulary.
        DataError: the text is unusable, or the parts did not read the same.
    """
    wanted = corpus_settings(corpus) | {"SHA-256 of vocab.txt": words.sha256}
    if "corpus.json" in storage.names(uri):
        before = manifest.read(storage.join(uri, "corpus.json"), Manifest)
        manifest.refuse_other_settings(before.settings, wanted, uri)
        parts.clear(uri)
        return before
    where = storage.join(uri, "parts", part.file)
    if part.file not in storage.names(storage.join(uri, "parts")) or (
        manifest.read(where, PartManifest).settings != wanted
    ):
        count = _Count(progress, words.documents)
        manifest.write(where, _make(cut(_documents(sources), corpus, part.makes), tokenizer, wanted, uri, count))
        count.finish()
    return parts.put_together(uri, part.of)


def corpus_settings(corpus: schema.Corpus) -> Settings:
    """The settings that shape a corpus which is made from text."""
    return manifest.settings_of("corpus", corpus, leaving_out=("prepared", "wait_minutes"))


class _Count:
    """Counts documents and tells of it now and then; whoever is told may raise to stop the work."""

    def __init__(self, progress: Progress, total: int | None = None) -> None:
        self.done = 0
        self._progress = progress
        self._total = total
        self._told_at = time.monotonic()

    def add(self, number: int) -> None:
        self.done += number
        if time.monotonic() - self._told_at >= _TELL_EVERY:
            self._progress("documents", self.done, self._total)
            self._told_at = time.monotonic()

    def over(self, texts: Iterable[str]) -> Iterator[str]:
        for text in texts:
            self.add(1)
            yield text

    def finish(self) -> None:
        self._progress("documents", self.done, self.done)


def _make(
    texts: Iterable[ShardText], tokenizer: Tokenizer, settings: Settings, uri: str, count: _Count
) -> PartManifest:
    """Write the wanted ones of the shards; read them all."""
    size = tokenizer.get_vocab_size()
    there = set(storage.names(uri))
    shards: list[Shard] = []
    token_counts: dict[SplitName, NDArray[np.int64]] = {split: np.zeros(size, np.int64) for split in SPLITS}
    whole = hashlib.sha256()
    for text in texts:
        whole.update(f"{text.name} {text.sha256}\n".encode())
        if text.wanted:
            shard, counts = _shard(text, tokenizer, settings, uri, there, count)
            shards.append(shard)
            token_counts[text.split] += counts
        else:
            count.add(text.count)
    return PartManifest(
        settings=settings,
        vocab_size=size,
        unknown_id=vocab.special_ids(tokenizer).unk,
        text_sha256=whole.hexdigest(),
        shards=tuple(shards),
        token_counts={split: counts.tolist() for split, counts in token_counts.items()},
    )


def _shard(
    text: ShardText, tokenizer: Tokenizer, settings: Settings, uri: str, there: set[str], count: _Count
) -> Counted:
    size = tokenizer.get_vocab_size()
    made_from = hashlib.sha256(f"{json.dumps(settings, sort_keys=True)} {text.sha256}".encode()).hexdigest()
    if text.name in there:
        before = finished_shard(uri, text.name, text.split, vocab_size=size, made_from=made_from)
        if before is not None:
            count.add(text.count)
            return before
    tokens = _counting(encoded(text.documents, tokenizer), count)
    made = write_shard(uri, text.name, text.split, tokens, vocab_size=size, made_from=made_from)
    count.add(text.count - made.shard.documents)  # those without a token
    return made


def _counting(tokens: Iterable[Document], count: _Count) -> Iterator[Document]:
    for document in tokens:
        count.add(1)
        yield document


def _documents(sources: Sources) -> Iterator[str]:
    for source, uri in sources:
        yield from documents(source, uri)
