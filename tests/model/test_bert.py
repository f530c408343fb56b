import numpy as np
import pytest
import torch
import transformers
from numpy.typing import NDArray

from trainer.config import schema
from trainer.errors import ConfigError
from trainer.model import hf
from trainer.model.bert import Bert
from trainer.model.heads import BertForQuestionAnswering
from trainer.model.packing import Packed, pack

VOCAB_SIZE = 97


def packed_of(rows: list[NDArray[np.int64]]) -> Packed:
    return pack(rows, [np.zeros_like(row) for row in rows])


def random_rows(lengths: list[int]) -> list[NDArray[np.int64]]:
    return [np.random.default_rng(length).integers(0, VOCAB_SIZE, size=length) for length in lengths]


def test_a_sequence_does_not_see_its_neighbours(config: schema.Model) -> None:
    bert = Bert(config, VOCAB_SIZE).double().eval()
    rows = random_rows([9, 4, 17])

    together = bert(packed_of(rows))
    alone = torch.cat([bert(packed_of([row])) for row in rows])

    torch.testing.assert_close(together, alone, rtol=0, atol=1e-12)


def test_weights_start_as_bert_starts_them() -> None:
    bert = Bert(schema.Model(num_hidden_layers=2, initializer_range=0.02), vocab_size=2000)

    for name, parameter in bert.named_parameters():
        if name.endswith("bias"):
            assert not parameter.any(), name
        elif "norm" in name:
            assert (parameter == 1).all(), name
        else:
            assert parameter.std().item() == pytest.approx(0.02, rel=0.05), name
            assert parameter.mean().item() == pytest.approx(0.0, abs=0.001), name


def test_it_has_as_many_parameters_as_hugging_faces_encoder(config: schema.Model) -> None:
    hf = transformers.BertModel(
        transformers.BertConfig(**config.model_dump(), vocab_size=VOCAB_SIZE), add_pooling_layer=False
    )

    ours = sum(parameter.numel() for parameter in Bert(config, VOCAB_SIZE).parameters())

    assert ours == sum(parameter.numel() for parameter in hf.parameters())


@pytest.mark.parametrize("kind", ["hidden_dropout_prob", "attention_probs_dropout_prob"])
def test_dropout_scatters_hidden_states_as_hugging_faces_does(kind: str) -> None:
    """Over 4000 copies of one sequence, the hidden states have the same mean and spread; without dropout, none."""
    rates = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, kind: 0.2}
    widths = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}
    shape = schema.Model(num_hidden_layers=1, initializer_range=0.4, **widths, **rates)
    config = transformers.BertConfig(**shape.model_dump(), vocab_size=VOCAB_SIZE, attn_implementation="eager")
    theirs = transformers.BertForQuestionAnswering(config).train()
    ours = BertForQuestionAnswering(shape, VOCAB_SIZE)
    ours.load_state_dict(hf.from_hf(theirs.state_dict(), ours, "memory"))
    row, copies = random_rows([6])[0], 4000

    with torch.no_grad():
        hidden = ours.bert.train()(packed_of([row] * copies)).view(copies, 6, 16)
        expected = theirs.bert(torch.from_numpy(row).expand(copies, 6)).last_hidden_state
        still = ours.bert.eval()(packed_of([row] * 2)).view(2, 6, 16)

    assert torch.equal(still[0], still[1])
    torch.testing.assert_close(hidden.mean(dim=0), expected.mean(dim=0), rtol=0, atol=0.08)
    spread, expected_spread = hidden.var(dim=0).mean().item(), expected.var(dim=0).mean().item()
    assert spread == pytest.approx(expected_spread, rel=0.05)


def test_bf16_autocast_stays_near_fp32() -> None:
    bert = Bert(schema.Model(hidden_size=64, num_hidden_layers=2, num_attention_heads=2), VOCAB_SIZE).eval()
    packed = packed_of(random_rows([9, 30]))

    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = bert(packed)

    torch.testing.assert_close(rounded.float(), bert(packed), rtol=0, atol=0.05)


def test_a_sequence_over_the_position_table_is_refused() -> None:
    bert = Bert(schema.Model(hidden_size=32, num_attention_heads=2, max_position_embeddings=16), VOCAB_SIZE)

    with pytest.raises(ConfigError, match="sequence of 17 tokens is over the model's max_position_embeddings 16"):
        bert(packed_of(random_rows([3, 17])))
