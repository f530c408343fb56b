"""The floating-point operations of batches that are there, counted as `berth plan` counts them."""

from trainer.compute import flop
from trainer.compute.flop import Flops
from trainer.config import schema
from trainer.engine.task import MicroBatch


def of_batches(config: schema.Model, vocab_size: int, batches: list[MicroBatch]) -> Flops:
    """For the batches of a masked LM's step."""
    lengths = [length for batch in batches for length in batch.inputs.packed.cu_seqlens.diff().tolist()]
    return flop.of_step(config, vocab_size, lengths, sum(len(batch.inputs.labels) for batch in batches))
