"""config.json, which describes a model to Hugging Face: written from a model, and read into one without weights.

Only what BERT is made of is read; what would make it another model (another activation, other positions) is refused.
"""

import json
from typing import Any, TypeVar

import pydantic
import torch

from trainer.config import schema
from trainer.config.reading import Reading
from trainer.errors import CheckpointError
from trainer.model.encoder import AnyBert, BertModel
from trainer.model.heads import BertForPreTraining, BertForQuestionAnswering

_FIXED = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute", "is_decoder": False}
"""What is true of every BERT here. A file need not say it but must not say otherwise."""

_MOST_LAYERS = 1000
"""Each of more than a handful is built before the weights are looked at."""

_READING = "berth"
"""The key of a SQuAD model's `Reading`."""

_Section = TypeVar("_Section", bound=pydantic.BaseModel)


def dumps(model: AnyBert, pad_token_id: int) -> str:
    """The text of config.json."""
    described = {
        "architectures": [architecture(model)],
        **_FIXED,
        **model.config.model_dump(),
        "vocab_size": model.vocab_size,
        "pad_token_id": pad_token_id,
        "tie_word_embeddings": True,
        "dtype": "float32",
    }
    if isinstance(model, BertForQuestionAnswering) and model.reading is not None:
        described[_READING] = model.reading.model_dump()
    return json.dumps(described, indent=2) + "\n"


def loads(text: str, where: str) -> AnyBert:
    """A model of that description without weights: its parameters lie on the device `meta` until they are assigned.

    Raises:
        CheckpointError: as `parse` and `without_weights`.
    """
    return without_weights(parse(text, where), where)


def without_weights(described: dict[str, Any], where: str) -> AnyBert:
    """As `loads`, of what config.json holds.

    Raises:
        CheckpointError: not a BERT, or of a class that Berth does not have.
    """
    for key, value in _FIXED.items():
        if described.get(key, value) != value:
            raise CheckpointError(where, f"{key} is {described[key]!r}, BERT's is {value!r}", "choose a BERT model")
    vocab_size = described.get("vocab_size")
    if not isinstance(vocab_size, int) or vocab_size < 1:
        raise CheckpointError(where, f"vocab_size is {vocab_size!r}, not a number of pieces", "export the model again")
    config = _section(schema.Model, described, where)
    if config.num_hidden_layers > _MOST_LAYERS:
        raise CheckpointError(where, f"num_hidden_layers is {config.num_hidden_layers:,}", "export the model again")
    try:
        with torch.device("meta"):
            model = _of_class(described.get("architectures"), config, vocab_size, where)
    except RuntimeError as error:  # of numbers that overflow
        raise CheckpointError(where, "describes a model that is larger than any", "export the model again") from error
    if isinstance(model, BertForQuestionAnswering) and isinstance(described.get(_READING), dict):
        model.reading = _section(Reading, described[_READING], where)
    return model


def architecture(model: AnyBert) -> str:
    """What Hugging Face calls the class."""
    if isinstance(model, BertForQuestionAnswering):
        return "BertForQuestionAnswering"
    if isinstance(model, BertModel):
        return "BertModel"
    return "BertForMaskedLM" if model.next_sentence is None else "BertForPreTraining"


def _of_class(architectures: Any, config: schema.Model, vocab_size: int, where: str) -> AnyBert:
    match architectures:
        case ["BertForPreTraining"]:
            return BertForPreTraining(config, vocab_size, next_sentence_prediction=True)
        case ["BertForMaskedLM"]:
            return BertForPreTraining(config, vocab_size, next_sentence_prediction=False)
        case ["BertForQuestionAnswering"]:
            return BertForQuestionAnswering(config, vocab_size)
        case ["BertModel"]:
            return BertModel(config, vocab_size, pooler=True)
        case _:
            raise CheckpointError(
                where,
                f"architectures is {json.dumps(architectures)}",
                "choose a BertForPreTraining, BertForMaskedLM, BertForQuestionAnswering or BertModel",
            )


def parse(text: str, where: str) -> dict[str, Any]:
    """What config.json holds.

    Raises:
        CheckpointError: not a JSON object.
    """
    try:
        described = json.loads(text)
    except (ValueError, RecursionError) as error:
        place = f"at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else f"({error})"
        raise CheckpointError(where, f"not JSON {place}", "export the model again") from error
    if not isinstance(described, dict):
        raise CheckpointError(where, f"a JSON {type(described).__name__}, not an object", "export the model again")
    return described


def _section(kind: type[_Section], described: dict[str, Any], where: str) -> _Section:
    try:
        return kind.model_validate({key: described[key] for key in kind.model_fields if key in described})
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        problem = (
            f"{field} is {first['input']!r}: {first['msg']}" if field else first["msg"].removeprefix("Value error, ")
        )
        raise CheckpointError(where, problem, "export the model again") from error
