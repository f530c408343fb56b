"""Text -> vocab.txt and shards on storage, each done once.

Documents are read one at a time and worked on by all cores; manifests are written last. What is there with the same
settings is used as it is; what was begun and not finished is gone on with, shard by shard; what was made with other
settings is refused. Memory holds the text of the shards that are being filled or made, not many more than processes.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from trainer import storage
from trainer.config.corpus import Corpus, Vocab
from trainer.data import corpus_parts, manifest, vocab
from trainer.data.cleaning import Cleaner
from trainer.data.corpus_parts import WHOLE, Part
from trainer.data.cutting import ShardText, cut
from trainer.data.manifest import SPLITS, Duplicates, Manifest, PartManifest, Settings, Shard, SplitName, VocabManifest
from trainer.data.preprocessed.part import make_part
from trainer.data.processes import in_order
from trainer.data.progress import Count, Progress
from trainer.data.survey import Survey, survey
from trainer.data.text_shards import ShardMaker
from trainer.data.texts import Sources, all_documents
from trainer.data.vocab_files import read_given
from trainer.errors import DataError


def begin(corpus: Corpus, settings: Vocab, uri: str, part: Part) -> None:
    """Claim the folder `uri` for the shards of a corpus before any work is done.

    Raises:
        ConfigError: a corpus of other settings is being made there.
    """
    Cleaner(corpus.cleaning)  # refuses what it cannot do, here and not in many processes
    corpus_parts.begin(uri, corpus_settings(corpus) | manifest.settings_of("vocab", settings), part)


def surveyor(corpus: Corpus, sources: Sources, *, progress: Progress, processes: int) -> Callable[[], Survey]:
    """A function that reads all text when it is first called, and tells of it as often as it is called."""

    @cache
    def look() -> Survey:
        count = Count(progress)
        found = survey(corpus, sources, processes, count)
        count.finish()
        return found

    return look


def prepare_vocab(
    settings: Vocab, given: str | None, corpus: Corpus | None, look: Callable[[], Survey] | None, uri: str
) -> VocabManifest:
    """Make `uri`/vocab.txt and, last, `uri`/vocab.json.

    Args:
        settings: the run's `vocab`.
        given: the resolved URI of `settings.path`, which is checked and copied; without one the vocabulary is trained.
        corpus: whose text it is trained on.
        look: called only if it is to be trained; without one it must be given.
        uri: the folder to write to.

    Raises:
        ConfigError: the folder holds a vocabulary that was made with other settings.
        DataError: the given vocabulary or the text is unusable.
    """
    made = storage.join(uri, "vocab.json")
    text = None if given or corpus is None else manifest.settings_of("corpus", corpus)
    wanted = manifest.settings_of("vocab", settings) | {
        name: text[name] if text else None for name in ("corpus.sources", "corpus.cleaning")
    }
    if "vocab.json" in storage.names(uri):
        before = manifest.read(made, VocabManifest)
        manifest.refuse_other_settings(before.settings, wanted, uri)
        return before
    if given:
        seen, pieces = None, read_given(given, settings.lowercase)
    else:
        assert look is not None, "the schema asks for a path where there is no corpus"
        seen = look()
        counted = seen.words.words(settings.lowercase)
        if not counted:
            remedy = "check corpus.sources, and what corpus.cleaning leaves out"
            raise DataError("corpus", "no word of the text is left to make a vocabulary of", remedy)
        pieces = vocab.train(counted, settings.size)
    storage.remove_unfinished(uri)
    vocab.save(pieces, storage.join(uri, "vocab.txt"))
    after = VocabManifest(
        settings=wanted,
        sha256=vocab.fingerprint(pieces),
        size=len(pieces),
        lowercase=settings.lowercase,
        documents=None if seen is None else seen.documents,
    )
    manifest.write(made, after)
    return after


def find_duplicates(corpus: Corpus, look: Callable[[], Survey], uri: str) -> None:
    """Make `uri`/duplicates.json, if duplicates are not kept and the corpus is not finished."""
    names, wanted, made = storage.names(uri), corpus_settings(corpus), storage.join(uri, "duplicates.json")
    if corpus.cleaning.duplicates == "keep" or "corpus.json" in names:
        return
    if "duplicates.json" not in names or manifest.read(made, Duplicates).settings != wanted:
        manifest.write(made, Duplicates(settings=wanted, documents=look().duplicates))


def prepare(
    corpus: Corpus,
    sources: Sources,
    tokenizer: Tokenizer,
    words: VocabManifest,
    uri: str,
    *,
    progress: Progress,
    processes: int,
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
        processes: how many work at once.
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
        corpus_parts.clear(uri)
        return before
    where = storage.join(uri, "parts", part.file)
    if part.file not in storage.names(storage.join(uri, "parts")) or (
        manifest.read(where, PartManifest).settings != wanted
    ):
        count = Count(progress, words.documents)
        if corpus.is_preprocessed:
            made = make_part(corpus, sources, tokenizer, wanted, uri, part=part, processes=processes, count=count)
        else:
            texts = cut(all_documents(sources), corpus, part.makes, _duplicates(corpus, uri).get)
            make = partial(ShardMaker, corpus, tokenizer, wanted, uri)
            made = _make(texts, make, processes, tokenizer, wanted, count)
        manifest.write(where, made)
        count.finish()
    return corpus_parts.put_together(uri, part.of)


def corpus_settings(corpus: Corpus) -> Settings:
    """The settings that shape a corpus which is made from text."""
    return manifest.settings_of("corpus", corpus, leaving_out=("prepared", "wait_minutes"))


def _duplicates(corpus: Corpus, uri: str) -> dict[int, str]:
    if corpus.cleaning.duplicates == "keep":
        return {}
    return manifest.read(storage.join(uri, "duplicates.json"), Duplicates).documents


def _make(
    texts: Iterator[ShardText],
    make: Callable[[], ShardMaker],
    processes: int,
    tokenizer: Tokenizer,
    settings: Settings,
    count: Count,
) -> PartManifest:
    """Write the wanted ones of the shards; read them all."""
    size = tokenizer.get_vocab_size()
    shards: list[Shard] = []
    token_counts: dict[SplitName, NDArray[np.int64]] = {split: np.zeros(size, np.int64) for split in SPLITS}
    left_out, unknown_words = Counter[str](), Counter[str]()
    whole = hashlib.sha256()
    read = Counter[str]()

    def wanted() -> Iterator[ShardText]:
        for text in texts:
            whole.update(f"{text.place.name} {text.sha256}\n".encode())
            read[text.place.name] = text.count
            if text.wanted:
                yield text
            else:
                count.add(text.count)

    for shard, counts, notes in in_order(make, wanted(), processes):
        shards.append(shard)
        token_counts[shard.split] += counts
        left_out.update(notes.left_out)
        unknown_words.update(notes.unknown_words)
        count.add(read.pop(shard.name))
    return PartManifest(
        settings=settings,
        kind="documents",
        vocab_size=size,
        unknown_id=vocab.special_ids(tokenizer).unk,
        text_sha256=whole.hexdigest(),
        left_out=dict(left_out),
        unknown_words=manifest.most_frequent(unknown_words),
        shards=tuple(shards),
        token_counts={split: counts.tolist() for split, counts in token_counts.items()},
    )
