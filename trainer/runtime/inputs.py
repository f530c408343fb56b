"""All that happens before the workers start: a look at what is read, the invented world, vocabulary and corpus.

Each part leaves its result in the run's folder with a marker written last; what is there and fits is not made again.
"""

from trainer import storage
from trainer.config.schema import Run
from trainer.data import shared_corpus
from trainer.data.corpus import described
from trainer.data.given_instances import refuse_other_settings
from trainer.data.progress import Progress
from trainer.data.world import write_world
from trainer.engine.folder import RunFolder
from trainer.runtime import corpus
from trainer.runtime.doctor import leave_diagnosis
from trainer.squad import examples
from trainer.tasks.given_model import opened, refuse_misfit


def check(run: Run, folder: RunFolder) -> None:
    """Open the SQuAD files and models that are named, but for files that the run makes itself.

    Raises:
        InputError: one is not what it should be.
    """
    for uri in _squad_files(run):
        if not uri.startswith(RunFolder.OWN):
            examples.load(folder.resolve(uri))
    for name in dict.fromkeys(stage.model for stage in run.squad if stage.model is not None):
        model, _ = opened(name, folder)
        for stage in run.squad:
            if stage.model == name:
                refuse_misfit(model, stage)


def prepare(run: Run, folder: RunFolder, progress: Progress) -> None:
    """Make what the stages read.

    Args:
        progress: told what is being made, how much is done, and of how much.

    Raises:
        InputError: text, vocabulary or an own SQuAD file is not what it should be, or a corpus is not finished.
    """
    if run.world is not None:
        _write_world(run, folder, progress)
    for uri in _squad_files(run):
        if uri.startswith(RunFolder.OWN):
            examples.load(folder.resolve(uri))
    if run.corpus is not None and run.corpus.prepared is not None:
        _use_prepared(run, run.corpus.prepared, run.corpus.wait_minutes, folder, progress)
    elif run.corpus is not None and run.pretrain:
        corpus.prepare(run.corpus, run.vocab, folder, progress)
        leave_diagnosis(folder, run, progress)
    elif run.corpus is not None or run.vocab.path:
        corpus.prepare_vocabulary(run.corpus, run.vocab, folder, progress)
    if run.pretrain:
        made = described(folder.corpus)
        for stage in run.pretrain:
            refuse_other_settings(made, stage)


def _use_prepared(run: Run, uri: str, wait_minutes: float, folder: RunFolder, progress: Progress) -> None:
    adopted = storage.exists(storage.join(folder.vocab, "vocab.json"))
    if adopted and all(storage.exists(folder.result(stage.name)) for stage in run.pretrain):
        return  # its shards are not read any more
    uri = folder.resolve(uri)
    shared_corpus.wait_until_finished(
        uri, wait_minutes, lambda state: progress("waiting for the corpus", state.done, state.parts)
    )
    shared_corpus.adopt(uri, folder.vocab, folder.corpus)
    leave_diagnosis(folder, run, progress)


def _squad_files(run: Run) -> list[str]:
    return list(dict.fromkeys(uri for stage in run.squad for uri in (*stage.train, stage.dev)))


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
