"""What a stage reads and what it leaves, told to its tracker: where the files lie and what is known of them."""

from typing import Any

from trainer import storage
from trainer.config.schema import Run
from trainer.data.corpus import described
from trainer.engine.folder import RunFolder
from trainer.tracking.tracker import Reference

_LONG = {"settings", "shards", "unknown_words", "location"}
"""Of a corpus: what its own file tells."""


def corpus(run: Run, folder: RunFolder) -> Reference:
    """The corpus that a run is trained on."""
    made = described(folder.corpus)
    files = tuple(shard.name for shard in made.shards)
    return Reference(
        f"{run.name}.corpus", "dataset", made.location or folder.corpus, files, made.model_dump(exclude=_LONG)
    )


def model(run: Run, folder: RunFolder, stage: str, facts: dict[str, Any]) -> Reference:
    """The model that a stage has made."""
    uri = folder.model(stage)
    return Reference(f"{run.name}.{stage}", "model", uri, tuple(storage.names(uri)), facts)
