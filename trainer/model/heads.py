"""BERT's tasks: masked LM with optional next-sentence prediction, and answer spans.

Packed tokens in, raw scores (logits) out, in whatever precision autocast chose; the losses are the tasks' business and
take them in fp32. A part that the task does not train does not exist, so distributed training waits for no gradient.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, linear

from trainer.config import schema
from trainer.config.reading import Reading
from trainer.model.bert import Bert, initialize
from trainer.model.packing import Packed


class MaskedLMHead(nn.Module):
    """Scores of all pieces for some tokens: a transform, then the word embeddings backwards, plus a bias per piece."""

    def __init__(self, config: schema.Model, vocab_size: int) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.layer_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.bias = nn.Parameter(torch.zeros(vocab_size))
        initialize(self, config.initializer_range)

    def forward(self, hidden: Tensor, word_embeddings: Tensor) -> Tensor:
        return linear(self.layer_norm(gelu(self.dense(hidden))), word_embeddings, self.bias)


class NextSentenceHead(nn.Module):
    """Does the second text follow the first? Two scores for each sequence: 0 it does, 1 it is a random one."""

    def __init__(self, config: schema.Model) -> None:
        super().__init__()
        self.pooler = nn.Linear(config.hidden_size, config.hidden_size)
        self.seq_relationship = nn.Linear(config.hidden_size, 2)
        initialize(self, config.initializer_range)

    def forward(self, first_tokens: Tensor) -> Tensor:
        return self.seq_relationship(torch.tanh(self.pooler(first_tokens)))


class BertForPreTraining(nn.Module):
    """Masked LM, and next-sentence prediction where it is wanted."""

    def __init__(self, config: schema.Model, vocab_size: int, next_sentence_prediction: bool) -> None:
        super().__init__()
        self.config = config
        self.vocab_size = vocab_size
        self.bert = Bert(config, vocab_size)
        self.predictions = MaskedLMHead(config, vocab_size)
        self.next_sentence = NextSentenceHead(config) if next_sentence_prediction else None

    def forward(self, packed: Packed, masked_positions: Tensor) -> tuple[Tensor, Tensor | None]:
        """Logits of the masked LM, (M, V), for the tokens at `masked_positions` (M,) of the T; of NSP, (S, 2), or None.

        Only masked tokens are scored: at 15 % of the tokens that saves most of a product as wide as the vocabulary.
        """
        hidden = self.bert(packed)
        mlm_logits = self.predictions(hidden[masked_positions], self.bert.embeddings.word_embeddings.weight)
        if self.next_sentence is None:
            return mlm_logits, None
        return mlm_logits, self.next_sentence(hidden[packed.cu_seqlens[:-1]])


class BertForQuestionAnswering(nn.Module):
    """The span of the context that answers the question: a score for each token to be its start, and its end."""

    reading: Reading | None = None
    """How it was taught; None where its maker does not say."""

    def __init__(self, config: schema.Model, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.vocab_size = vocab_size
        self.bert = Bert(config, vocab_size)
        self.qa_outputs = nn.Linear(config.hidden_size, 2)
        initialize(self.qa_outputs, config.initializer_range)

    def forward(self, packed: Packed) -> tuple[Tensor, Tensor]:
        """Start and end logits, (T,) each."""
        start_logits, end_logits = self.qa_outputs(self.bert(packed)).unbind(-1)
        return start_logits, end_logits


PretrainedModel = BertForPreTraining | BertForQuestionAnswering
"""What a model directory can hold."""
