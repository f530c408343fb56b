"""The measure of the GPU benchmark, against torch's own count of what `transformers` does."""

import pytest
import torch
import transformers
from torch.utils.flop_counter import FlopCounterMode

from tests.benchmarks import flops
from tests.benchmarks.chip import chip_of
from trainer.config import schema


def test_they_are_those_of_a_training_step_of_transformers() -> None:
    """Full rows, and every token scored, as its masked LM does."""
    shape = schema.Model(hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=96)
    config = transformers.BertConfig(**shape.model_dump(), vocab_size=101, attn_implementation="eager")
    model = transformers.BertForMaskedLM(config)
    ids = torch.randint(101, (2, 40))

    with FlopCounterMode(display=False) as counter:
        model(input_ids=ids, labels=ids).loss.backward()

    assert flops.of_step(shape, 101, [40, 40], masked=80).total == counter.get_total_flops()


@pytest.mark.parametrize(("length", "millions"), [(128, 545), (512, 588)])
def test_a_token_of_bert_base_needs_so_many(length: int, millions: int) -> None:
    needed = flops.of_step(schema.Model(), 30_522, [length] * 100, masked=15 * length)

    assert needed.total / (100 * length) / 1e6 == pytest.approx(millions, rel=0.005)


@pytest.mark.parametrize(
    ("device", "teraflops"),
    [
        ("NVIDIA H100 80GB HBM3", 989),
        ("NVIDIA H100 PCIe", 756),
        ("NVIDIA H200", 989),
        ("NVIDIA A100-SXM4-80GB", 312),
        ("NVIDIA L40S", 362),
        ("NVIDIA L4", 121),
    ],
)
def test_a_chip_is_known_by_the_name_of_the_device(device: str, teraflops: int) -> None:
    chip = chip_of(device)

    assert chip is not None
    assert chip.peak == teraflops * 1e12


def test_a_chip_that_nobody_knows_has_no_peak() -> None:
    assert chip_of("GeForce") is None
