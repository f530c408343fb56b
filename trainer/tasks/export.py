"""Copy a stage's model directory to where it is wanted."""

from trainer import storage
from trainer.errors import CheckpointError
from trainer.model.pretrained import from_pretrained, save_pretrained


def export(stage: str, destination: str) -> str:
    """Read the model of a finished stage (a stage's folder or a model directory), check it, and write it to
    `destination`.

    Raises:
        CheckpointError: there is no whole model, or something is already at the destination.
    """
    source = storage.join(stage, "model") if storage.exists(storage.join(stage, "model")) else stage
    if storage.names(destination):
        raise CheckpointError(destination, "the directory is not empty", "name a new one")
    model, tokenizer = from_pretrained(source)
    save_pretrained(model, tokenizer, destination)
    return destination
