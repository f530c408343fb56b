"""FLOP, against torch's own count of what `transformers` does."""

import pytest
import torch
import transformers
from torch.utils.flop_counter import FlopCounterMode

from trainer.compute import flop
from trainer.config import schema


def test_they_are_those_of_a_training_step_of_transformers() -> None:
    """Full rows, and every token scored, as its masked LM does."""
    shape = schema.Model(hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=96)
    config = transformers.BertConfig(**shape.model_dump(), vocab_size=101, attn_implementation="eager")
    model = transformers.BertForMaskedLM(config)
    ids = torch.randint(101, (2, 40))

    with FlopCounterMode(display=False) as counter:
        model(input_ids=ids, labels=ids).loss.backward()

    assert flop.of_step(shape, 101, [40, 40], masked=80).total == counter.get_total_flops()


@pytest.mark.parametrize(("length", "millions"), [(128, 545), (512, 588)])
def test_a_token_of_bert_base_needs_so_many(length: int, millions: int) -> None:
    needed = flop.of_step(schema.Model(), 30_522, [length] * 100, masked=15 * length)

    assert needed.total / (100 * length) / 1e6 == pytest.approx(millions, rel=0.005)
