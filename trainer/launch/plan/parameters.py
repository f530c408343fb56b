"""How many parameters each part of a model has, counted from its settings: `trainer.model` without torch."""

from trainer.config import schema
from trainer.config.schema import Pretrain, Squad


def encoder(model: schema.Model, vocab_size: int) -> dict[str, int]:
    """The parts that all stages share."""
    tables = vocab_size + model.max_position_embeddings + model.type_vocab_size
    return {
        "embeddings": tables * model.hidden_size + _norm(model),
        "layers": model.num_hidden_layers * layer(model),
    }


def layer(model: schema.Model) -> int:
    """One block: query, key and value; the output of attention; two products of the feed-forward network; two norms."""
    hidden, inner = model.hidden_size, model.intermediate_size
    products = linear(hidden, 3 * hidden) + linear(hidden, hidden) + linear(hidden, inner) + linear(inner, hidden)
    return products + 2 * _norm(model)


def head(model: schema.Model, vocab_size: int, stage: Pretrain | Squad) -> dict[str, int]:
    """What a stage adds; the masked LM's scores use the word embeddings again."""
    hidden = model.hidden_size
    if isinstance(stage, Squad):
        return {"answer head": linear(hidden, 2)}
    masked = {"masked LM head": linear(hidden, hidden) + _norm(model) + vocab_size}
    if not stage.next_sentence_prediction:
        return masked
    return masked | {"next-sentence head": linear(hidden, hidden) + linear(hidden, 2)}


def counted(model: schema.Model, vocab_size: int, stage: Pretrain | Squad) -> dict[str, int]:
    """All that a stage trains, by part."""
    return encoder(model, vocab_size) | head(model, vocab_size, stage)


def linear(inputs: int, outputs: int) -> int:
    """A matrix and its bias."""
    return inputs * outputs + outputs


def _norm(model: schema.Model) -> int:
    return 2 * model.hidden_size
