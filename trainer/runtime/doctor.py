"""A look at the corpus before money is spent: all of it for `berth doctor`, some of it whenever a corpus is made."""

from trainer import storage
from trainer.config.load import load, parse
from trainer.config.schema import Pretrain, Run
from trainer.data.corpus import described
from trainer.data.doctor import examination
from trainer.data.doctor.diagnosis import Diagnosis
from trainer.data.progress import Progress
from trainer.engine.folder import RunFolder

QUICK_TOKENS = 5_000_000
"""So many are looked at when a corpus is made: 3 s, however large it is."""
MOST_FETCHED = 1 << 30
"""Bytes. A larger corpus that is not on this machine is not fetched only to be looked at."""


def examine(corpus: str, run: str | None, progress: Progress) -> Diagnosis:
    """Look at all of a corpus, and compare every shard with its SHA-256.

    Args:
        corpus: the folder of a prepared corpus or of a run, as a URI.
        run: YAML or recipe whose stages are to be drawn from it. Without it: those of the run in the folder, if any.
        progress: told how far it is.

    Raises:
        InputError: there is no whole corpus, it is damaged, or the run is wrong.
    """
    folder = RunFolder(storage.absolute(corpus).rstrip("/"), "")
    stages = load(run).pretrain if run else _stages_of(folder)
    return examination.examine(folder.corpus, folder.vocab, stages, most_tokens=None, tell=progress)


def leave_diagnosis(folder: RunFolder, run: Run | None, progress: Progress) -> None:
    """Look at some of the finished corpus in a folder and write `doctor.json` beside corpus.json, if it is not there.

    Nothing is written where the shards would have to be fetched and are large; `berth doctor` looks at those.

    Args:
        folder: of the corpus, or of a run.
        run: whose stages are drawn; None for a corpus that is prepared by itself.
        progress: told how far it is.

    Raises:
        InputError: the corpus is damaged.
    """
    where = storage.join(folder.corpus, "doctor.json")
    made = described(folder.corpus)
    far = not storage.is_local(made.location or folder.corpus)
    if storage.exists(where) or (far and sum(shard.bytes for shard in made.shards) > MOST_FETCHED):
        return
    stages = run.pretrain if run else ()

    def tell(_what: str, done: int, total: int | None) -> None:
        if total is not None:
            progress("doctor", done, total)

    found = examination.examine(folder.corpus, folder.vocab, stages, most_tokens=QUICK_TOKENS, tell=tell)
    storage.write_text(where, found.model_dump_json(indent=1) + "\n")


def _stages_of(folder: RunFolder) -> tuple[Pretrain, ...]:
    return parse(storage.read_text(folder.config), folder.config).pretrain if storage.exists(folder.config) else ()
