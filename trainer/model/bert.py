"""The BERT encoder (Devlin et al. 2019): packed tokens in, one hidden state for each out.

Post-LayerNorm, learned positions and the exact (erf) GELU, as published; the one liberty is that query, key and value
are a single matrix product. Module names follow Hugging Face's where they name the same thing; `hf` holds the table.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from trainer.config import schema
from trainer.errors import ConfigError
from trainer.model.attention import attention, choose_kernel
from trainer.model.dropout import Dropout
from trainer.model.packing import Packed


def initialize(module: nn.Module, initializer_range: float) -> None:
    """BERT's start: weights N(0, initializer_range), biases 0; torch itself starts a LayerNorm as the identity."""
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Embedding):
            nn.init.normal_(part.weight, std=initializer_range)
        if isinstance(part, nn.Linear):
            nn.init.zeros_(part.bias)


class Embeddings(nn.Module):
    """The sum of what a token is, where it stands and which text it belongs to."""

    def __init__(self, config: schema.Model, vocab_size: int) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(vocab_size, config.hidden_size)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.layer_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = Dropout(config.hidden_dropout_prob)

    def forward(self, packed: Packed) -> Tensor:
        summed = (
            self.word_embeddings(packed.input_ids)
            + self.token_type_embeddings(packed.token_type_ids)
            + self.position_embeddings(packed.position_ids)
        )
        return self.dropout(self.layer_norm(summed))


class SelfAttention(nn.Module):
    """Multi-head self-attention. It holds its output projection, too, but leaves it to `Layer.after_attention`."""

    def __init__(self, config: schema.Model) -> None:
        super().__init__()
        self.num_attention_heads = config.num_attention_heads
        self.dropout_prob = config.attention_probs_dropout_prob
        self.query_key_value = nn.Linear(config.hidden_size, 3 * config.hidden_size)
        self.output = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, hidden: Tensor, packed: Packed) -> Tensor:
        dropout_p = self.dropout_prob if self.training else 0.0
        query, key, value = self.query_key_value(hidden).unflatten(-1, (3, self.num_attention_heads, -1)).unbind(1)
        kernel = choose_kernel(query.device, query.dtype, dropout_p)
        attended = attention(
            query, key, value, packed.cu_seqlens, packed.max_seqlen, dropout_p=dropout_p, kernel=kernel
        )
        return attended.flatten(1)


class Layer(nn.Module):
    """One Transformer block: attention, then the feed-forward network, each with its residual and LayerNorm."""

    def __init__(self, config: schema.Model) -> None:
        super().__init__()
        self.attention = SelfAttention(config)
        self.attention_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.intermediate = nn.Linear(config.hidden_size, config.intermediate_size)
        self.output = nn.Linear(config.intermediate_size, config.hidden_size)
        self.output_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = Dropout(config.hidden_dropout_prob)

    def forward(self, hidden: Tensor, packed: Packed) -> Tensor:
        return self.after_attention(hidden, self.attention(hidden, packed))

    def after_attention(self, hidden: Tensor, attended: Tensor) -> Tensor:
        """All of the block that sees one token at a time, which is what compiling makes faster."""
        hidden = self.attention_norm(hidden + self.dropout(self.attention.output(attended)))
        return self.output_norm(hidden + self.dropout(self.output(gelu(self.intermediate(hidden)))))


class Bert(nn.Module):
    """Embeddings and `num_hidden_layers` blocks."""

    def __init__(self, config: schema.Model, vocab_size: int) -> None:
        super().__init__()
        self.max_position_embeddings = config.max_position_embeddings
        self.embeddings = Embeddings(config, vocab_size)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))
        initialize(self, config.initializer_range)

    def compile_layers(self) -> None:
        """Let torch's compiler fuse what is between the attentions: once for all layers and numbers of tokens.

        The attention kernels stay as they are, for a compiler has nothing to add to them, and would compile anew for
        each mixture of lengths.
        """
        for layer in self.layers:
            assert isinstance(layer, Layer)
            layer.after_attention = torch.compile(layer.after_attention, dynamic=True)

    def forward(self, packed: Packed) -> Tensor:
        """The last hidden states, (T, hidden_size).

        Raises:
            ConfigError: a sequence is longer than the position table.
        """
        limit = self.max_position_embeddings
        if packed.max_seqlen > limit:
            problem = f"a sequence of {packed.max_seqlen} tokens is over the model's max_position_embeddings {limit}"
            raise ConfigError("max_length", problem, f"cut sequences to {limit} tokens")
        hidden = self.embeddings(packed)
        for layer in self.layers:
            hidden = layer(hidden, packed)
        return hidden
