"""The encoder without a head: what Hugging Face's `BertModel` is, for a SQuAD stage to start from."""

from torch import Tensor, nn

from trainer.config import schema
from trainer.model.bert import Bert
from trainer.model.heads import BertForPreTraining, BertForQuestionAnswering
from trainer.model.packing import Packed


class BertModel(nn.Module):
    """The encoder and, so that nothing is lost on the way through, the pooler if its file has one."""

    def __init__(self, config: schema.Model, vocab_size: int, pooler: bool) -> None:
        super().__init__()
        self.config = config
        self.vocab_size = vocab_size
        self.bert = Bert(config, vocab_size)
        self.pooler = nn.Linear(config.hidden_size, config.hidden_size) if pooler else None

    def forward(self, packed: Packed) -> Tensor:
        """The last hidden states, (T, hidden_size)."""
        return self.bert(packed)


AnyBert = BertForPreTraining | BertForQuestionAnswering | BertModel
"""What a model directory can hold."""
