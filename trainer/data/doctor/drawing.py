"""A stage's instances -> their masks, pairs and lengths, drawn as training draws them."""

import numpy as np

from trainer.config import schema
from trainer.data.batches import Instances, PretrainSamples, Sample
from trainer.data.doctor.diagnosis import Drawn

_MOST_SAMPLES = 4096
"""Shares are then right to 1.6 % (two standard errors at one half), in half a second for instances of 512 tokens."""
_MOST_BINS = 16
_SEED = 0


def draw(instances: Instances, weights: tuple[float, ...], stage: schema.Pretrain, mask_id: int) -> Drawn:
    """Draw some of the instances of an epoch and measure them; always the same ones.

    Args:
        instances: of the training split, as the stage draws them; at least one.
        weights: of the corpus's sources.
        stage: its settings.
        mask_id: of [MASK].
    """
    epoch = len(PretrainSamples(instances, weights, 1, _SEED))
    count = min(epoch, _MOST_SAMPLES)
    samples = PretrainSamples(instances, weights, count, _SEED).samples(0, 0, 1)
    lengths = np.array([sample.input_ids.size for sample in samples])
    shown = np.concatenate([sample.input_ids[sample.masked_positions] for sample in samples])
    labels = np.concatenate([sample.labels for sample in samples])
    width = -(-stage.max_length // _MOST_BINS)
    predicted = max(labels.size, 1)
    return Drawn(
        stage=stage.name,
        max_length=stage.max_length,
        mlm_probability=stage.mlm_probability,
        samples=count,
        epoch=epoch,
        epochs=stage.max_steps * stage.batch_size / epoch,
        mask_rate=labels.size / int(lengths.sum()),
        masked=int((shown == mask_id).sum()) / predicted,
        replaced=int(((shown != mask_id) & (shown != labels)).sum()) / predicted,
        random_next=_random_next(samples),
        padding=1 - float(lengths.mean()) / stage.max_length,
        short=float((lengths < stage.max_length / 2).mean()),
        long=int(np.quantile(lengths, 0.95)),
        bin_width=width,
        bins=tuple(np.bincount((lengths - 1) // width, minlength=-(-stage.max_length // width)).tolist()),
    )


def _random_next(samples: list[Sample]) -> float | None:
    labels = [sample.next_sentence_label for sample in samples if sample.next_sentence_label is not None]
    return sum(labels) / len(labels) if labels else None
