"""The model directory: a trained model as files that Berth and Hugging Face open alike, with the same logits.

config.json is written last, so a directory that has one is whole. Only safetensors is read: nothing in a stranger's
file is ever executed.
"""

import safetensors
import safetensors.torch
from tokenizers import Tokenizer

from trainer import storage
from trainer.errors import CheckpointError
from trainer.model import hf, hf_config
from trainer.model import tokenizer as tokenizer_files
from trainer.model.heads import PretrainedModel

_WEIGHTS = "model.safetensors"
_CONFIG = "config.json"


def save_pretrained(model: PretrainedModel, tokenizer: Tokenizer, uri: str) -> None:
    """Write a model and its tokenizer into the directory `uri`, any fsspec URI.

    Raises:
        CheckpointError: the tokenizer lacks a special token or is not the model's.
        StorageError: the place cannot be written.
    """
    complete = tokenizer_files.complete(tokenizer, uri)
    _check_size(complete, model.vocab_size, uri)
    storage.remove(storage.join(uri, _CONFIG))
    weights = safetensors.torch.save(hf.to_hf(model), metadata={"format": "pt"})
    storage.write_bytes(storage.join(uri, _WEIGHTS), weights)
    tokenizer_files.write(complete, uri, model.config.max_position_embeddings)
    storage.write_text(storage.join(uri, _CONFIG), hf_config.dumps(model, complete.get_vocab()["[PAD]"]))


def from_pretrained(name_or_uri: str) -> tuple[PretrainedModel, Tokenizer]:
    """A trained model, ready to be used (fp32, on the CPU, dropout off), and its tokenizer. Draws no random numbers.

    The tokenizer makes `[CLS] A [SEP]` of a text and `[CLS] A [SEP] B [SEP]` of a pair.

    Raises:
        CheckpointError: no model directory, or one that is torn, mixed up or not a BERT's.
        StorageError: the place cannot be read.
    """
    _check_directory(name_or_uri)
    where = storage.join(name_or_uri, _CONFIG)
    model = hf_config.loads(storage.read_text(where), where)
    tokenizer = tokenizer_files.read(name_or_uri)
    _check_size(tokenizer, model.vocab_size, name_or_uri)
    where = storage.join(name_or_uri, _WEIGHTS)
    try:
        tensors = safetensors.torch.load_file(storage.fetch(where))
    except safetensors.SafetensorError as error:
        raise CheckpointError(where, f"torn or not safetensors ({error})", "copy or export the model again") from error
    model.load_state_dict(hf.from_hf(tensors, model, where), assign=True)
    return model.eval(), tokenizer


def _check_directory(uri: str) -> None:
    names = storage.names(uri)
    if not names:
        raise CheckpointError(
            uri, "no such model directory", "give the path or URI of a directory that `berth export` made"
        )
    if _CONFIG not in names:
        raise CheckpointError(
            uri, f"holds no {_CONFIG}", "it is no model directory, or its export did not finish; export the model again"
        )
    if _WEIGHTS not in names:
        raise CheckpointError(uri, f"holds no {_WEIGHTS}", "save the model as safetensors; no other format is read")


def _check_size(tokenizer: Tokenizer, vocab_size: int, where: str) -> None:
    pieces = tokenizer.get_vocab_size()
    if pieces != vocab_size:
        raise CheckpointError(
            where,
            f"the vocabulary has {pieces} pieces, the model {vocab_size}",
            "choose the vocabulary that the model was trained with",
        )
