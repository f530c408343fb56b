"""A try of a run's steps."""

from trainer.config import schema
from trainer.config.schema import Pretrain
from trainer.runtime.step_probe import probe

TINY = schema.Model(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64)


def test_it_tells_speed_and_memory_of_the_real_loop() -> None:
    stage = Pretrain(batch_size=2, micro_batch_size=2, max_length=32)

    found = probe(TINY, 300, stage, steps=3)

    weights = 4 * (300 + 512 + 2) * TINY.hidden_size
    assert found.tokens_per_second > 0
    assert found.peak > 3 * weights  # they and their moments, at least
