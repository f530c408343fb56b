"""How many floating-point operations the training of a BERT needs: the model's own, whatever a program spends.

Counted as in PaLM's appendix B (Chowdhery et al. 2022): a product of (m, k) and (k, n) is 2 m k n; the backward pass is
twice the forward pass; attention is counted by the true length of each sequence; embeddings, norms, biases and the
softmax are nothing. Padding is no token, and only masked tokens need the masked LM's head.
"""

from typing import NamedTuple

from trainer.config import schema

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


def of_lengths(config: schema.Model, vocab_size: int, tokens: float, squared_lengths: float, masked: float) -> Flops:
    """For tokens in sequences whose lengths' squares add up to `squared_lengths`; `masked` of them are predicted."""
    hidden, layers = config.hidden_size, config.num_hidden_layers
    weights = 4 * hidden**2 + 2 * hidden * config.intermediate_size
    return Flops(
        layers=PASSES * 2 * layers * weights * tokens,
        attention=PASSES * 4 * layers * hidden * squared_lengths,
        head=PASSES * 2 * (hidden**2 + hidden * vocab_size) * masked,
    )


def of_step(config: schema.Model, vocab_size: int, lengths: list[int], masked: int) -> Flops:
    """For sequences of these lengths, `masked` tokens of which are predicted."""
    return of_lengths(config, vocab_size, sum(lengths), sum(length**2 for length in lengths), masked)
