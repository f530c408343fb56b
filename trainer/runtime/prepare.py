"""All that happens before the workers start: the invented world, a look at what is read, vocabulary and corpus.

Each part leaves its result in the run's folder with a marker written last; what is there and fits is not made again.
"""

from trainer import storage
from trainer.config.schema import Run
from trainer.data import vocab
from trainer.data.prepare import Progress, Sources, prepare_vocab
from trainer.data.prepare import prepare as prepare_corpus
from trainer.data.world import write_world
from trainer.engine.folder import RunFolder
from trainer.model.pretrained import from_pretrained
from trainer.squad import examples


def prepare(run: Run, folder: RunFolder, progress: Progress) -> None:
    """Make what the stages read.

    Args:
        progress: told what is being made, how much is done, and of how much.

    Raises:
        InputError: text, vocabulary, a SQuAD file or a model is not what it should be.
    """
    if run.world is not None:
        _write_world(run, folder, progress)
    for uri in dict.fromkeys(uri for stage in run.squad for uri in (*stage.train, stage.dev)):
        examples.load(folder.resolve(uri))
    for uri in dict.fromkeys(stage.model for stage in run.squad if stage.model is not None):
        from_pretrained(folder.resolve(uri))
    sources: Sources = [(source, folder.resolve(source.path)) for source in run.corpus.sources] if run.corpus else []
    given = folder.resolve(run.vocab.path) if run.vocab.path else None
    if given or sources:
        made = prepare_vocab(run.vocab, given, sources, folder.vocab, progress=_named("vocabulary", progress))
        if run.corpus is not None and run.pretrain:
            tokenizer = vocab.load(folder.vocab_file, run.vocab.lowercase)
            prepare_corpus(
                run.corpus, sources, tokenizer, made.sha256, folder.corpus, progress=_named("corpus", progress)
            )


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
