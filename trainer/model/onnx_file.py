"""A model as an ONNX file, for programs that know no torch.

In: `input_ids`, `attention_mask`, `token_type_ids`, (batch, sequence) int64 of any lengths, padded, the mask 0 at the
padding. Out: `start_logits` and `end_logits` of a model for questions, (batch, sequence); of any other its encoder's
`last_hidden_state`, (batch, sequence, hidden_size), since a product as wide as the vocabulary at every token would be
paid for by everybody. These are the names that Hugging Face's optimum gives them. Values at the padding mean nothing.

Our own forward pass is for packed sequences and chooses a kernel by the device, neither of which can be traced, so the
padded one stands here, of the very same modules.
"""

import importlib.util
import logging
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

from trainer.errors import ConfigError
from trainer.model.bert import Bert, Layer
from trainer.model.encoder import AnyBert
from trainer.model.heads import BertForQuestionAnswering

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_NEEDED = ("onnx", "onnxscript")
_OPSET = 20
"""The first with a GELU of its own, of 2023."""


def write(model: AnyBert, path: Path) -> None:
    """Write the file.

    Raises:
        ConfigError: the packages that write it are not installed.
    """
    if any(importlib.util.find_spec(name) is None for name in _NEEDED):
        raise ConfigError("--format onnx", f"needs {' and '.join(_NEEDED)}", "run `pip install 'berth[onnx]'`")
    sizes = {
        0: torch.export.Dim("batch_size"),
        1: torch.export.Dim("sequence_length", max=model.config.max_position_embeddings),
    }
    example = {name: torch.ones(2, 4, dtype=torch.int64) for name in INPUTS}
    answers = isinstance(model, BertForQuestionAnswering)
    program = _quietly_exported(
        _Padded(model),
        example,
        ["start_logits", "end_logits"] if answers else ["last_hidden_state"],
        dict.fromkeys(INPUTS, sizes),
    )
    program.save(str(path))


class _Padded(nn.Module):
    """The model's own modules over the padded layout, without dropout."""

    def __init__(self, model: AnyBert) -> None:
        super().__init__()
        self.bert = model.bert
        self.qa_outputs = model.qa_outputs if isinstance(model, BertForQuestionAnswering) else None

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> tuple[Tensor, ...] | Tensor:
        hidden = _embedded(self.bert, input_ids, token_type_ids)
        mask = attention_mask.bool()[:, None, None, :]
        for layer in self.bert.layers:
            assert isinstance(layer, Layer)
            hidden = _through(layer, hidden, mask)
        return hidden if self.qa_outputs is None else self.qa_outputs(hidden).unbind(-1)


def _embedded(bert: Bert, input_ids: Tensor, token_type_ids: Tensor) -> Tensor:
    parts = bert.embeddings
    words = parts.word_embeddings(input_ids) + parts.token_type_embeddings(token_type_ids)
    return parts.layer_norm(words + parts.position_embeddings.weight[: input_ids.shape[1]])


def _through(layer: Layer, hidden: Tensor, mask: Tensor) -> Tensor:
    heads = (3, layer.attention.num_attention_heads, -1)
    query, key, value = layer.attention.query_key_value(hidden).unflatten(-1, heads).permute(2, 0, 3, 1, 4)
    attended = scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2).flatten(2)
    hidden = layer.attention_norm(hidden + layer.attention.output(attended))
    return layer.output_norm(hidden + layer.output(gelu(layer.intermediate(hidden))))


def _quietly_exported(
    model: nn.Module,
    example: dict[str, Tensor],
    outputs: list[str],
    dynamic_shapes: dict[str, dict[int, torch.export.Dim]],
) -> torch.onnx.ONNXProgram:
    """The exporter tells of operators of torchvision and of axes that it calls the same; neither is anybody's fault."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(action="ignore"):
            program = torch.onnx.export(
                model,
                kwargs=example,
                output_names=outputs,
                dynamic_shapes=dynamic_shapes,
                dynamo=True,
                opset_version=_OPSET,
                verbose=False,
            )
    finally:
        log.setLevel(level)
    assert program is not None, "dynamo=True returns the program"
    return program
