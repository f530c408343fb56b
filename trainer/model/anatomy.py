"""What weights tell of their model by themselves: its class, by the heads that are there, and its sizes.

For formats whose configuration is elsewhere, or was not what the model was built from. In: tensors under Hugging Face's
names. Out: what config.json would hold.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from trainer.errors import CheckpointError

_EMBEDDINGS = "bert.embeddings.{}_embeddings.weight"
_HEAD_WIDTH = 64
"""In every BERT that was published; it leaves no trace in the weights."""
_NOT_IN_WEIGHTS = (
    "num_attention_heads",
    "hidden_act",
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "layer_norm_eps",
    "initializer_range",
)


def describe(tensors: Mapping[str, Tensor], configured: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Sizes as the tensors have them, and of `configured`, a config.json, what leaves no trace there.

    Raises:
        CheckpointError: a tensor that tells a size is missing. `where` is the file they are from.
    """
    words, hidden_size = _shape(tensors, _EMBEDDINGS.format("word"), where)
    layers = {name.split(".")[3] for name in tensors if name.startswith("bert.encoder.layer.")}
    return {
        "architectures": [_architecture(tensors)],
        "vocab_size": words,
        "hidden_size": hidden_size,
        "num_hidden_layers": len(layers),
        "num_attention_heads": max(hidden_size // _HEAD_WIDTH, 1),
        "intermediate_size": _shape(tensors, "bert.encoder.layer.0.intermediate.dense.weight", where)[0],
        "max_position_embeddings": _shape(tensors, _EMBEDDINGS.format("position"), where)[0],
        "type_vocab_size": _shape(tensors, _EMBEDDINGS.format("token_type"), where)[0],
        **{name: configured[name] for name in _NOT_IN_WEIGHTS if configured.get(name) is not None},
    }


def _architecture(tensors: Mapping[str, Tensor]) -> str:
    if "qa_outputs.weight" in tensors:
        return "BertForQuestionAnswering"
    if "cls.seq_relationship.weight" in tensors:
        return "BertForPreTraining"
    return "BertForMaskedLM" if "cls.predictions.bias" in tensors else "BertModel"


def _shape(tensors: Mapping[str, Tensor], name: str, where: str) -> tuple[int, int]:
    if name not in tensors:
        raise CheckpointError(where, f"tensor {name} is missing", "it is no BERT, or was not saved whole")
    if tensors[name].dim() != 2:
        problem = f"tensor {name} has shape {tuple(tensors[name].shape)}, not two dimensions"
        raise CheckpointError(where, problem, "choose a BERT model")
    rows, columns = tensors[name].shape
    return rows, columns
