"""A model, trained here or opened from elsewhere, as the files that other programs read."""

from typing import Literal

from trainer import storage
from trainer.errors import CheckpointError
from trainer.model import hf_config, onnx_file
from trainer.model import tokenizer as tokenizer_files
from trainer.model.encoder import AnyBert, BertModel
from trainer.model.heads import BertForQuestionAnswering
from trainer.model.pretrained import CONFIG, from_pretrained, save_pretrained
from trainer.tasks import model_card

Format = Literal["hf", "onnx"]


def export(source: str, destination: str, kind: Format = "hf", vocabulary: str | None = None) -> str:
    """Read a model, check it, and write it to the directory `destination`; config.json is written last.

    Args:
        source: the folder of a finished stage, or whatever `from_pretrained` opens.
        destination: a new directory, as an fsspec URI.
        kind: `hf`: weights, tokenizer, config.json and a model card; `onnx`: model.onnx in the place of weights.
        vocabulary: for a model that brings none.

    Raises:
        CheckpointError: there is no whole model, or something is already at the destination.
        ConfigError: what writes ONNX is not installed.
    """
    if storage.names(destination):
        raise CheckpointError(destination, "the directory is not empty", "name a new one")
    model, tokenizer = from_pretrained(_model_of(source), vocabulary)
    if kind == "onnx":
        with storage.new_file(storage.join(destination, "model.onnx")) as path:
            onnx_file.write(model, path)
        described = model if isinstance(model, BertForQuestionAnswering) else _encoder(model)
        tokenizer_files.write(tokenizer, destination, model.config.max_position_embeddings)
        pad_token_id = tokenizer.get_vocab()["[PAD]"]
        storage.write_text(storage.join(destination, CONFIG), hf_config.dumps(described, pad_token_id))
    else:
        storage.write_text(storage.join(destination, "README.md"), model_card.write(model, source))
        save_pretrained(model, tokenizer, destination)
    return destination


def _model_of(source: str) -> str:
    """The model directory in a stage's folder; of anything else, itself."""
    inner = storage.join(source, "model", CONFIG)
    # Only object storage and disks have folders; a server that is away is told of when the model is opened.
    is_folder = not source.startswith(("http://", "https://", "hf://"))
    return storage.join(source, "model") if is_folder and storage.exists(inner) else source


def _encoder(model: AnyBert) -> BertModel:
    encoder = BertModel(model.config, model.vocab_size, pooler=False)
    encoder.bert = model.bert
    return encoder
