"""All that happens before the workers start: the invented world, a look at what is read, vocabulary and corpus.

Each part leaves its result in the run's folder with a marker written last; what is there and fits is not made again.
"""

from trainer import storage
from trainer.config.schema import Corpus, Run, Vocab
from trainer.data import prepare as text
from trainer.data import prepared
from trainer.data.manifest import Manifest, VocabManifest
from trainer.data.parts import WHOLE, Part
from trainer.data.prepare import Progress, Sources
from trainer.data.world import write_world
from trainer.engine.folder import RunFolder
from trainer.errors import DataError
from trainer.model.pretrained import from_pretrained
from trainer.squad import examples


def prepare(run: Run, folder: RunFolder, progress: Progress) -> None:
    """Make what the stages read.

    Args:
        progress: told what is being made, how much is done, and of how much.

    Raises:
        InputError: text, vocabulary, a SQuAD file or a model is not what it should be, or a corpus is not finished.
    """
    if run.world is not None:
        _write_world(run, folder, progress)
    for uri in dict.fromkeys(uri for stage in run.squad for uri in (*stage.train, stage.dev)):
        examples.load(folder.resolve(uri))
    for uri in dict.fromkeys(stage.model for stage in run.squad if stage.model is not None):
        from_pretrained(folder.resolve(uri))
    if run.corpus is not None and run.corpus.prepared is not None:
        _use_prepared(run, run.corpus, run.corpus.prepared, folder, progress)
    elif run.corpus is not None and run.pretrain:
        prepare_corpus(run.corpus, run.vocab, folder, progress)
    elif run.corpus is not None or run.vocab.path:
        _vocabulary(run.corpus, run.vocab, folder, progress)


def prepare_corpus(
    corpus: Corpus,
    vocab: Vocab,
    folder: RunFolder,
    progress: Progress,
    part: Part = WHOLE,
    wait_minutes: float = 0,
) -> Manifest | None:
    """Make the vocabulary and the corpus of text, or a part of it.

    Args:
        part: which shards to make; part 0 makes the vocabulary, the others wait for it.
        wait_minutes: how long they do.

    Returns:
        The manifest of the whole corpus, or None while other parts are not finished.

    Raises:
        InputError: text or vocabulary is not what it should be, or there is no vocabulary in time.
    """
    text.begin(corpus, vocab, folder.corpus, part)
    if part.number:
        _wait_for_vocabulary(folder, wait_minutes, progress)
    words = _vocabulary(corpus, vocab, folder, progress)
    return text.prepare(
        corpus,
        _sources(corpus, folder),
        prepared.load_tokenizer(folder.vocab),
        words,
        folder.corpus,
        progress=_named("corpus", progress),
        part=part,
    )


def _use_prepared(run: Run, corpus: Corpus, uri: str, folder: RunFolder, progress: Progress) -> None:
    if storage.exists(folder.vocab_file) and all(storage.exists(folder.result(stage.name)) for stage in run.pretrain):
        return  # its shards are not read any more
    uri = folder.resolve(uri)
    prepared.wait_until_finished(
        uri, corpus.wait_minutes, lambda state: progress("waiting for the corpus", state.done, state.parts)
    )
    prepared.adopt(uri, folder.vocab, folder.corpus)


def _wait_for_vocabulary(folder: RunFolder, minutes: float, progress: Progress) -> None:
    def there() -> bool:
        return "vocab.json" in storage.names(folder.vocab)

    if not prepared.wait(there, minutes, lambda: progress("waiting for the vocabulary", 0, 1)):
        problem = f"part 0 has not finished the vocabulary after {minutes:g} minutes"
        raise DataError(folder.vocab, problem, "look after part 0, or raise --wait-minutes")


def _vocabulary(corpus: Corpus | None, vocab: Vocab, folder: RunFolder, progress: Progress) -> VocabManifest:
    given = folder.resolve(vocab.path) if vocab.path else None
    sources = _sources(corpus, folder) if corpus is not None else []
    return text.prepare_vocab(vocab, given, sources, folder.vocab, progress=_named("vocabulary", progress))


def _sources(corpus: Corpus, folder: RunFolder) -> Sources:
    return [(source, folder.resolve(source.path)) for source in corpus.sources]


def _named(part: str, progress: Progress) -> Progress:
    return lambda _, done, total: progress(part, done, total)


def _write_world(run: Run, folder: RunFolder, progress: Progress) -> None:
    assert run.world is not None
    marker = storage.join(folder.world, "world.json")
    if storage.exists(marker):
        return
    towns = run.world.towns + run.world.dev_towns
    progress("world", 0, towns)
    write_world(run.world, folder.world)
    storage.write_text(marker, run.world.model_dump_json())
    progress("world", towns, towns)
