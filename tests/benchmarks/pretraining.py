"""Masked LM as run_mlm does it (no next-sentence prediction), to be measured: on real lengths and on full rows."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import transformers

from tests.benchmarks.real_text import DATA
from trainer.config.load import parse
from trainer.config.schema import Model
from trainer.data.batches import Sample
from trainer.engine.folder import RunFolder
from trainer.engine.task import MicroBatch
from trainer.model import hf
from trainer.runtime.inputs import prepare
from trainer.tasks.pretrain import PretrainTask

LENGTHS = ("real lengths", "full rows")


class Shape(NamedTuple):
    """Of a BERT; its vocabulary is Google's uncased one where there is real text."""

    layers: int
    hidden_size: int
    heads: int

    @property
    def model(self) -> dict[str, int]:
        """Settings of `schema.Model`."""
        return {
            "num_hidden_layers": self.layers,
            "hidden_size": self.hidden_size,
            "num_attention_heads": self.heads,
            "intermediate_size": 4 * self.hidden_size,
        }


SHAPES = {
    "BERT-base": Shape(12, 768, 12),
    "4 layers x 256": Shape(4, 256, 4),
    "tiny": Shape(2, 64, 2),
}

_RUN = """
name: benchmark
storage: {storage}
{text}
model: {model}
pretrain:
  max_length: {length}
  batch_size: {batch}
  micro_batch_size: {batch}
  next_sentence_prediction: false
  precision: bf16
"""
_REAL = """
corpus:
  sources:
    - {{path: {data}/books, format: books}}
    - {{path: {data}/wiki/enwiki-pages-articles-206-pages.xml.bz2, format: mediawiki}}
vocab: {{path: {data}/bert-base-uncased-vocab.txt}}
"""
_INVENTED = """
world: {}
corpus: {sources: [{path: run://world/articles.txt}]}
"""


class FullRows(PretrainTask):
    """The same on rows of random pieces that are all as long as can be: unpadding has nothing to save."""

    def micro_batches(self, step: int, rank: int, world_size: int) -> list[MicroBatch]:
        rng = np.random.default_rng(step)
        return list(self._batched(self._row(rng) for _ in range(self.settings.batch_size)))

    def _row(self, rng: np.random.Generator) -> Sample:
        length = self.settings.max_length
        ids = rng.integers(self.model.vocab_size, size=length, dtype=np.int32)
        count = min(round(self.settings.mlm_probability * length), self.settings.max_predictions)
        positions = np.sort(rng.choice(length, size=count, replace=False)).astype(np.int32)
        return Sample(ids, np.zeros(length, dtype=np.uint8), positions, ids[positions], None)


def tasks(
    storage: str, shape: Shape, *, length: int, batch: int, dropout: tuple[float, float] = (0.1, 0.1)
) -> dict[str, PretrainTask]:
    """A task for each of LENGTHS, prepared for real, in one precision: bf16.

    The text is the books and the articles of the real data, or the invented world where they are absent.

    Args:
        length: of the longest row, tokens.
        batch: rows of a step.
        dropout: of hidden states, and of attention.
    """
    hidden_dropout, attention_dropout = dropout
    model = shape.model | {
        "hidden_dropout_prob": hidden_dropout,
        "attention_probs_dropout_prob": attention_dropout,
        "max_position_embeddings": max(512, length),
    }
    text = _REAL.format(data=DATA) if DATA.is_dir() else _INVENTED
    run = parse(_RUN.format(storage=storage, text=text, model=model, length=length, batch=batch), "the benchmark's run")
    folder = RunFolder.of(run)
    prepare(run, folder, lambda what, done, total: None)
    torch.manual_seed(0)
    kinds: Sequence[type[PretrainTask]] = (PretrainTask, FullRows)
    return {name: kind(run, run.pretrain[0], folder) for name, kind in zip(LENGTHS, kinds, strict=True)}


def peer(task: PretrainTask, attention: str | None = None) -> transformers.BertForMaskedLM:
    """The same weights in the class that run_mlm trains, with its default attention or the one that is named."""
    settings: Model = task.model.config
    config = transformers.BertConfig(**settings.model_dump(), vocab_size=task.model.vocab_size)
    options = {} if attention is None else {"attn_implementation": attention}
    model = transformers.AutoModelForMaskedLM.from_config(config, **options)
    model.load_state_dict(hf.to_hf(task.model), strict=False)  # the decoder is tied to the embeddings
    return model
