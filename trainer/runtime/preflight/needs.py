"""How much room a run takes on a node's disk, roughly: checkpoints, and copies of a corpus that lies elsewhere."""

from trainer import storage
from trainer.config.schema import Run
from trainer.data.manifest import Manifest
from trainer.engine.folder import RunFolder

_BYTES_PER_PARAMETER = 12
"""A checkpoint has the weight and two moments, in fp32."""
_VOCAB_SIZE = 30_522
"""Google's, where the run has no corpus that tells."""


def disk_bytes(run: Run, folder: RunFolder) -> int:
    """In the run's folder if it is local, else in the node's cache."""
    manifest = _manifest(folder)
    checkpoint = _BYTES_PER_PARAMETER * _parameters(run, manifest.vocab_size if manifest else _VOCAB_SIZE)
    if storage.is_local(folder.uri):
        return checkpoint * (run.checkpoint.keep + 1) * len(run.stages)
    return 2 * checkpoint + (sum(shard.bytes for shard in manifest.shards) if manifest else 0)


def _manifest(folder: RunFolder) -> Manifest | None:
    uri = storage.join(folder.corpus, "corpus.json")
    return Manifest.model_validate_json(storage.read_bytes(uri)) if storage.exists(uri) else None


def _parameters(run: Run, vocab_size: int) -> int:
    """Of the matrices; the vectors beside them are under one percent."""
    model = run.model
    hidden, rows = model.hidden_size, vocab_size + model.max_position_embeddings + model.type_vocab_size
    layer = 4 * hidden * hidden + 2 * hidden * model.intermediate_size
    return rows * hidden + model.num_hidden_layers * layer
