"""A trained model, in and out: ours, Hugging Face's, NVIDIA's.

Out goes the model directory: files that Berth and Hugging Face open alike, with the same logits. config.json is written
last, so a directory that has one is whole. In come such directories, NeMo's `.nemo` files and the checkpoints of
NVIDIA's DeepLearningExamples. Nothing in a stranger's file is ever executed.
"""

from collections.abc import Mapping

import safetensors.torch
from tokenizers import Tokenizer
from torch import Tensor

from trainer import storage
from trainer.errors import CheckpointError, StorageError
from trainer.model import catalogue, deep_learning_examples, hf, hf_config, nemo, weights
from trainer.model import tokenizer as tokenizer_files
from trainer.model.encoder import AnyBert, BertModel

CONFIG = "config.json"


def save_pretrained(model: AnyBert, tokenizer: Tokenizer, uri: str) -> None:
    """Write a model and its tokenizer into the directory `uri`, any fsspec URI.

    Raises:
        CheckpointError: the tokenizer lacks a special token or is not the model's.
        StorageError: the place cannot be written.
    """
    complete = tokenizer_files.complete(tokenizer, uri)
    _check_size(complete, model.vocab_size, uri)
    storage.remove(storage.join(uri, CONFIG))
    tensors = safetensors.torch.save(hf.to_hf(model), metadata={"format": "pt"})
    storage.write_bytes(storage.join(uri, weights.SAFETENSORS), tensors)
    tokenizer_files.write(complete, uri, model.config.max_position_embeddings)
    storage.write_text(storage.join(uri, CONFIG), hf_config.dumps(model, complete.get_vocab()["[PAD]"]))


def from_pretrained(name_or_uri: str, vocabulary: str | None = None) -> tuple[AnyBert, Tokenizer]:
    """A trained model, ready to be used (fp32, on the CPU, dropout off), and its tokenizer. Draws no random numbers.

    The tokenizer makes `[CLS] A [SEP]` of a text and `[CLS] A [SEP] B [SEP]` of a pair.

    Args:
        name_or_uri: a name of the catalogue, or the path or URI of a model directory (of Berth or Hugging Face:
            safetensors or pytorch_model.bin, whole or in shards), of a `.nemo` file, or of a `ckpt_*.pt` of NVIDIA's
            DeepLearningExamples.
        vocabulary: where to take the vocabulary from if the model brings none: a vocab.txt, a tokenizer.json or a
            directory with one of them.

    Raises:
        CheckpointError: no model, or one that is torn, mixed up or not a BERT's; the tensor or file is named.
        StorageError: the place cannot be read.
    """
    entry = catalogue.entries().get(name_or_uri)
    if entry is None:
        return _open(name_or_uri, vocabulary)
    try:
        return _open(entry.weights, vocabulary or entry.vocabulary)
    except StorageError as error:
        remedy = f"fetch it where there is a way to it and give its path, or name a mirror in {catalogue.VARIABLE}"
        raise StorageError(f"{name_or_uri} ({error.where})", error.problem, remedy) from error


def _open(uri: str, vocabulary: str | None) -> tuple[AnyBert, Tokenizer]:
    if uri.endswith(nemo.SUFFIX):
        described, tensors, own = nemo.read(uri)
        tokenizer = own or _vocabulary(vocabulary, uri)
    elif uri.endswith(deep_learning_examples.SUFFIXES):
        described, tensors, own = deep_learning_examples.read(uri)
        tokenizer = own or _vocabulary(vocabulary, uri)
        tensors = deep_learning_examples.cut(tensors, tokenizer.get_vocab_size(), uri)
        described["vocab_size"] = tokenizer.get_vocab_size()
    else:
        return _open_directory(uri, vocabulary)
    model = hf_config.without_weights(described, uri)
    _check_size(tokenizer, model.vocab_size, uri)
    return _filled(model, tensors, uri), tokenizer


def _open_directory(uri: str, vocabulary: str | None) -> tuple[AnyBert, Tokenizer]:
    names = storage.names(uri)
    if not names:
        raise CheckpointError(
            uri,
            "no such model directory",
            "give the path or URI of one, of a .nemo or .pt file, or a name such as bertbaseuncased",
        )
    if CONFIG not in names:
        raise CheckpointError(
            uri, f"holds no {CONFIG}", "it is no model directory, or its export did not finish; export the model again"
        )
    file = weights.find(names)
    if file is None:
        raise CheckpointError(uri, f"holds no {weights.SAFETENSORS}", "save the model as safetensors")
    where = storage.join(uri, CONFIG)
    model = hf_config.loads(storage.read_text(where, storage.MOST_SETTINGS), where)
    tokenizer = tokenizer_files.read(uri) if tokenizer_files.has(names) else _vocabulary(vocabulary, uri)
    _check_size(tokenizer, model.vocab_size, uri)
    file = storage.join(uri, file)
    return _filled(model, weights.read(file), file), tokenizer


def _filled(model: AnyBert, tensors: Mapping[str, Tensor], where: str) -> AnyBert:
    if isinstance(model, BertModel) and not any("pooler." in name for name in tensors):
        model.pooler = None
    model.load_state_dict(hf.from_hf(tensors, model, where), assign=True)
    return model.eval()


def _vocabulary(uri: str | None, where: str) -> Tokenizer:
    if uri is None:
        remedy = "name the vocab.txt that it was trained with (`berth export --vocabulary`)"
        raise CheckpointError(where, "brings no vocabulary", remedy)
    return tokenizer_files.read(uri)


def _check_size(tokenizer: Tokenizer, vocab_size: int, where: str) -> None:
    pieces = tokenizer.get_vocab_size()
    if pieces != vocab_size:
        raise CheckpointError(
            where,
            f"the vocabulary has {pieces} pieces, the model {vocab_size}",
            "choose the vocabulary that the model was trained with",
        )
