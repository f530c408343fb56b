"""Hugging Face's names for our weights: one table, read in both directions.

`to_hf` and `from_hf` turn one state dict into the other without changing a bit. Linear layers that we fuse stand under
several names there; the rows of theirs, stacked in the table's order, are ours.
"""

import re
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from trainer.errors import CheckpointError

_LAYER = "bert.encoder.layer.{}"
_MODULES: dict[str, tuple[str, ...]] = {
    "bert.embeddings.word_embeddings": ("bert.embeddings.word_embeddings",),
    "bert.embeddings.position_embeddings": ("bert.embeddings.position_embeddings",),
    "bert.embeddings.token_type_embeddings": ("bert.embeddings.token_type_embeddings",),
    "bert.embeddings.layer_norm": ("bert.embeddings.LayerNorm",),
    "bert.layers.{}.attention.query_key_value": (
        f"{_LAYER}.attention.self.query",
        f"{_LAYER}.attention.self.key",
        f"{_LAYER}.attention.self.value",
    ),
    "bert.layers.{}.attention.output": (f"{_LAYER}.attention.output.dense",),
    "bert.layers.{}.attention_norm": (f"{_LAYER}.attention.output.LayerNorm",),
    "bert.layers.{}.intermediate": (f"{_LAYER}.intermediate.dense",),
    "bert.layers.{}.output": (f"{_LAYER}.output.dense",),
    "bert.layers.{}.output_norm": (f"{_LAYER}.output.LayerNorm",),
    "predictions": ("cls.predictions",),
    "predictions.dense": ("cls.predictions.transform.dense",),
    "predictions.layer_norm": ("cls.predictions.transform.LayerNorm",),
    "next_sentence.pooler": ("bert.pooler.dense",),
    "pooler": ("bert.pooler.dense",),
    "next_sentence.seq_relationship": ("cls.seq_relationship",),
    "qa_outputs": ("qa_outputs",),
}
"""Our module -> its modules there; `{}` is the number of the layer."""

_COPIES = {
    "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}
"""Second names of tied weights, which files may hold as well."""

_UNUSED = ("bert.embeddings.position_ids", "bert.pooler.", "cls.seq_relationship.")
"""What files hold beside the weights of a class; Hugging Face's own classes pass over it too."""


def hf_names(name: str) -> tuple[str, ...]:
    """`bert.layers.3.output.bias` -> (`bert.encoder.layer.3.output.dense.bias`,)."""
    module, _, parameter = name.rpartition(".")
    layer = "".join(re.findall(r"(?<=^bert\.layers\.)\d+", module))
    theirs = _MODULES[re.sub(r"(?<=^bert\.layers\.)\d+", "{}", module)]
    return tuple(f"{template.format(layer)}.{parameter}" for template in theirs)


def to_hf(model: nn.Module) -> dict[str, Tensor]:
    """A model's weights under Hugging Face's names; copies, tied ones once."""
    tensors: dict[str, Tensor] = {}
    for name, tensor in model.state_dict().items():
        theirs = hf_names(name)
        tensors |= {their: part.clone() for their, part in zip(theirs, tensor.chunk(len(theirs)), strict=True)}
    return tensors


def from_hf(tensors: Mapping[str, Tensor], model: nn.Module, where: str) -> dict[str, Tensor]:
    """A state dict for `model`, in fp32, out of tensors under Hugging Face's names. `where` is the file they are from.

    Raises:
        CheckpointError: a tensor is missing, of another shape, no floats, left over, or tied in BERT but not here.
    """
    found = {_today(name): tensor for name, tensor in tensors.items()}
    expected = dict(_expected(model))
    for name, shape in expected.items():
        if name not in found:
            raise CheckpointError(
                where, f"tensor {name} is missing", "export the model again as the class that its configuration names"
            )
        if found[name].shape != shape:
            problem = f"tensor {name} has shape {tuple(found[name].shape)}, the configuration asks for {tuple(shape)}"
            raise CheckpointError(where, problem, "bring weights and configuration of one model together")
        if not found[name].is_floating_point():
            problem = f"tensor {name} holds {str(found[name].dtype).removeprefix('torch.')}, not floats"
            raise CheckpointError(where, problem, "export the model without quantization")
    _check_left_over({name: found[name] for name in found.keys() - expected.keys()}, found, where)
    return {
        name: torch.cat([found[their].to(torch.float32) for their in hf_names(name)]) for name in model.state_dict()
    }


def _today(name: str) -> str:
    """Exports of 2019 call a LayerNorm's weight gamma and its bias beta, as TensorFlow does; those of a bare
    `BertModel` leave `bert.` out.
    """
    name = re.sub(r"^(?=(embeddings|encoder|pooler)\.)", "bert.", name)
    return re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", name))


def _expected(model: nn.Module) -> Iterator[tuple[str, torch.Size]]:
    for name, tensor in model.state_dict().items():
        theirs = hf_names(name)
        yield from ((their, torch.Size((tensor.shape[0] // len(theirs), *tensor.shape[1:]))) for their in theirs)


def _check_left_over(left_over: Mapping[str, Tensor], found: Mapping[str, Tensor], where: str) -> None:
    for name, tensor in sorted(left_over.items()):
        original = found.get(_COPIES.get(name, ""))
        if original is not None:
            if not torch.equal(tensor, original):
                problem = f"tensor {name} differs from {_COPIES[name]}, which BERT ties it to"
                raise CheckpointError(where, problem, "only models with tied word embeddings are supported")
        elif not name.startswith(_UNUSED):
            raise CheckpointError(
                where, f"tensor {name} belongs to no BERT", "check that the configuration names the right class"
            )
