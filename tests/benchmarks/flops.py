"""How many floating-point operations the training of a BERT needs: the model's own, whatever a program spends.

Counted as in PaLM's appendix B (Chowdhery et al. 2022): a product of (m, k) and (k, n) is 2 m k n; the backward pass is
twice the forward pass; attention is counted by the true length of each sequence; embeddings, norms, biases and the
softmax are nothing. Padding is no token, and only masked tokens need the masked LM's head.
"""

from typing import NamedTuple

from trainer.config import schema
from trainer.engine.task import MicroBatch

PASSES = 3
"""One forward, and a backward pass that costs two."""


class Flops(NamedTuple):
    """Of one training step."""

    layers: float
    """Query, key, value, the output of attention, and both products of the feed-forward network."""
    attention: float
    """Scores, and their product with the values."""
    head: float
    """The masked LM's transform and the scores of the vocabulary."""

    @property
    def total(self) -> float:
        return sum(self)


def of_step(config: schema.Model, vocab_size: int, lengths: list[int], masked: int) -> Flops:
    """For sequences of these lengths, `masked` tokens of which are predicted."""
    hidden, layers = config.hidden_size, config.num_hidden_layers
    weights = 4 * hidden**2 + 2 * hidden * config.intermediate_size
    return Flops(
        layers=PASSES * 2 * layers * weights * sum(lengths),
        attention=PASSES * 4 * layers * hidden * sum(length**2 for length in lengths),
        head=PASSES * 2 * (hidden**2 + hidden * vocab_size) * masked,
    )


def of_batches(config: schema.Model, vocab_size: int, batches: list[MicroBatch]) -> Flops:
    """For the batches of a masked LM's step."""
    lengths = [length for batch in batches for length in batch.inputs.packed.cu_seqlens.diff().tolist()]
    return of_step(config, vocab_size, lengths, sum(len(batch.inputs.labels) for batch in batches))
