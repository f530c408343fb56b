"""Small models and ragged batches, ours and Hugging Face's in step."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
import transformers
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from torch import Tensor

from trainer.config import schema
from trainer.model.packing import Packed, pack

VOCAB_SIZE = 97


@pytest.fixture(autouse=True)
def _same_random_numbers() -> None:
    torch.manual_seed(0)


class Batch:
    """Ragged sequences as we see them (packed) and as Hugging Face does (padded)."""

    def __init__(self, lengths: Sequence[int]) -> None:
        random = np.random.default_rng(sum(lengths))
        ids = [random.integers(1, VOCAB_SIZE, size=length) for length in lengths]
        types = [(np.arange(length) >= length // 2).astype(np.int64) for length in lengths]
        self.packed: Packed = pack(ids, types)
        self.inside = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
        """(S, L): where the padded layout holds tokens; selecting by it packs."""
        self.padded = {
            "input_ids": _padded(ids),
            "token_type_ids": _padded(types),
            "attention_mask": self.inside.long(),
        }


def _padded(rows: Sequence[NDArray[np.int64]]) -> Tensor:
    return torch.nn.utils.rnn.pad_sequence([torch.from_numpy(row) for row in rows], batch_first=True)


@pytest.fixture
def make_batch() -> type[Batch]:
    return Batch


@pytest.fixture(params=[(32, 1, 2, 64), (48, 3, 4, 96), (64, 2, 1, 80)], ids=lambda shape: "x".join(map(str, shape)))
def config(request: pytest.FixtureRequest) -> schema.Model:
    """Shapes of BERT; weights so wide that no part of the model hides behind another."""
    hidden_size, layers, heads, intermediate_size = request.param
    return schema.Model(
        hidden_size=hidden_size,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=intermediate_size,
        max_position_embeddings=64,
        initializer_range=0.2,
    )


@pytest.fixture
def hf_config(config: schema.Model) -> transformers.BertConfig:
    return transformers.BertConfig(**config.model_dump(), vocab_size=VOCAB_SIZE, attn_implementation="eager")


@pytest.fixture
def tokenizer() -> Tokenizer:
    """As `data.vocab` makes it: no post-processor."""
    letters = "abcdefghijklmnopqrstuvwxyzé0123456789.,?"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters), "paris"]
    pieces += [f"[unused{number}]" for number in range(VOCAB_SIZE - len(pieces))]
    made = Tokenizer(models.WordPiece({piece: number for number, piece in enumerate(pieces)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return made
