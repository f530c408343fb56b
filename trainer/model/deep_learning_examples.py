"""Checkpoints of NVIDIA's DeepLearningExamples: `ckpt_*.pt`, with the optimizer and whatever else beside the weights.

Their linear layers with an activation are called `dense_act`, and the vocabulary is padded to a multiple of 8 (30,522
pieces have 30,528 rows). The rows that stand for no piece are cut off here. The configuration is the config.json or
bert_config.json beside the file, if any; sizes are the weights'. The vocabulary is the vocab.txt beside it.
"""

import logging
import re
from collections.abc import Mapping
from typing import Any

from tokenizers import Tokenizer
from torch import Tensor

from trainer import storage
from trainer.errors import CheckpointError
from trainer.model import anatomy, hf_config, weights
from trainer.model import tokenizer as tokenizer_files

log = logging.getLogger(__name__)

SUFFIXES = (".pt", ".pth", ".bin", ".ckpt")
_CONFIGS = ("bert_config.json", "config.json")
_A_ROW_A_PIECE = ("bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight", "cls.predictions.bias")
_MULTIPLE = 8


def read(uri: str) -> tuple[dict[str, Any], dict[str, Tensor], Tokenizer | None]:
    """What config.json would hold, the tensors under Hugging Face's names, and the vocabulary if one lies beside.

    The tensors still have their rows of padding; `cut` takes them off.

    Raises:
        CheckpointError: torn, not weights, or not a BERT's.
        StorageError: it cannot be read.
    """
    tensors = {_hf_name(name): tensor for name, tensor in weights.read(uri).items()}
    folder = uri.rpartition("/")[0] or "."
    names = [] if uri.startswith(("http://", "https://")) else storage.names(folder)  # no listings there
    configured = next((storage.join(folder, name) for name in _CONFIGS if name in names), None)
    encoder = hf_config.parse(storage.read_text(configured, storage.MOST_SETTINGS), configured) if configured else {}
    tokenizer = tokenizer_files.read(folder) if tokenizer_files.has(names) else None
    return anatomy.describe(tensors, encoder, uri), tensors, tokenizer


def cut(tensors: Mapping[str, Tensor], pieces: int, where: str) -> dict[str, Tensor]:
    """Without the rows beyond `pieces` that round their number up to a multiple of 8; a note says so.

    Raises:
        CheckpointError: there are more rows than that, or fewer.
    """
    rows = len(tensors[_A_ROW_A_PIECE[0]])
    if rows == pieces:
        return dict(tensors)
    if rows != -(-pieces // _MULTIPLE) * _MULTIPLE:
        problem = f"tensor {_A_ROW_A_PIECE[0]} has {rows} rows, the vocabulary {pieces} pieces"
        raise CheckpointError(where, problem, "choose the vocabulary that the model was trained with")
    log.warning("%s: %d rows that pad its vocabulary of %d pieces are cut off", where, rows - pieces, pieces)
    return {name: tensor[:pieces] if name in _A_ROW_A_PIECE else tensor for name, tensor in tensors.items()}


def _hf_name(name: str) -> str:
    return re.sub(r"\.dense_act\.", ".dense.", name.removeprefix("module."))
