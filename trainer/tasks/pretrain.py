"""Pretraining as a task: samples of the corpus in, masked LM and next-sentence losses out."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from trainer.compute import flop
from trainer.config.load import fingerprint
from trainer.config.schema import Pretrain, Run
from trainer.data import vocab
from trainer.data.batches import PretrainSamples, Sample
from trainer.data.corpus import Corpus, described
from trainer.data.drawn_instances import DrawnInstances
from trainer.data.given_instances import GivenInstances
from trainer.data.manifest import SPLITS, SplitName
from trainer.data.masking import Masking
from trainer.data.shared_corpus import load_tokenizer
from trainer.engine.checkpoint import Checkpoints
from trainer.engine.folder import RunFolder
from trainer.engine.parallel import Workers, autocast
from trainer.engine.state import State
from trainer.engine.task import MicroBatch, Sums
from trainer.model.cross_entropy import cross_entropy
from trainer.model.heads import BertForPreTraining
from trainer.model.packing import Packed, pack, sent

_LARGEST_LOSS = 700.0
"""In nats: e to it is still a float."""


class Inputs(NamedTuple):
    """S samples, packed into T tokens, M of them to predict."""

    packed: Packed
    masked_positions: Tensor
    """(M,) int64, indices into the T tokens."""
    labels: Tensor
    """(M,) int64, the original ids."""
    next_sentence_labels: Tensor | None
    """(S,) int64: 0 the second text follows the first, 1 it is a random one."""

    def to(self, device: torch.device) -> "Inputs":
        labels = self.next_sentence_labels
        return Inputs(
            self.packed.to(device),
            sent(self.masked_positions, device),
            sent(self.labels, device),
            None if labels is None else sent(labels, device),
        )


class PretrainTask:
    """One phase of pretraining.

    Raises:
        ConfigError: the settings of the stage do not fit the instances of the corpus.
        DataError: the corpus or the vocabulary in the run's folder is damaged or too small.
    """

    def __init__(self, run: Run, stage: Pretrain, folder: RunFolder) -> None:
        self.settings = stage
        self.steps = stage.max_steps
        self.eval_every = stage.eval_every
        self.patience = None
        self.objectives = ("mlm", "nsp") if stage.next_sentence_prediction else ("mlm",)
        self.tokenizer: Tokenizer = load_tokenizer(folder.vocab)
        self.model = BertForPreTraining(run.model, self.tokenizer.get_vocab_size(), stage.next_sentence_prediction)
        seed = run.seed + 1000 * run.pretrain.index(stage)  # phases of one length do not repeat their batches
        self._samples, self._held_out = (self._split(folder.corpus, split, seed) for split in SPLITS)
        self._phase_before = _phase_before(run, stage, folder)

    def start(self, state: State) -> None:
        """Go on from the phase before, if this is not the first."""
        if self._phase_before is not None:
            self._phase_before.load_weights_and_moments(state)

    def micro_batches(self, step: int, rank: int, world_size: int) -> list[MicroBatch]:
        return list(self._batched(self._samples.samples(step, rank, world_size)))

    def losses(self, model: nn.Module, inputs: Inputs) -> Sums:
        inputs = inputs.to(next(model.parameters()).device)
        mlm_logits, nsp_logits = model(inputs.packed, inputs.masked_positions)
        pairs = [(mlm_logits, inputs.labels)]
        if inputs.next_sentence_labels is not None:
            pairs.append((nsp_logits, inputs.next_sentence_labels))
        losses, correct = zip(*(cross_entropy(logits, labels) for logits, labels in pairs), strict=True)
        return Sums(torch.stack(losses), torch.stack(correct))

    @torch.no_grad()
    def evaluate(self, workers: Workers) -> dict[str, float]:
        """Losses and accuracies on the held-out documents, each with the masks it always has; empty without such.
        `eval/perplexity` is that of the masked tokens, e to their loss.
        """
        self.model.eval()
        totals = torch.zeros(3, len(self.objectives), dtype=torch.float64)
        for batch in self._batched(self._held_out.evaluation(workers.rank, workers.world_size)):
            with autocast(workers.device, self.settings.precision):
                sums = self.losses(self.model, batch.inputs)
            totals += torch.stack([sums.losses.cpu(), sums.correct.cpu(), torch.tensor(batch.counts)])
        losses, correct, counts = np.array(workers.total(totals.flatten().tolist())).reshape(3, -1).tolist()
        figures: dict[str, float] = {}
        for name, loss, right, count in zip(self.objectives, losses, correct, counts, strict=True):
            if count:
                figures |= {f"eval/{name}_loss": loss / count, f"eval/{name}_accuracy": right / count}
        if "eval/mlm_loss" in figures:
            figures["eval/perplexity"] = math.exp(min(figures["eval/mlm_loss"], _LARGEST_LOSS))
        return figures

    def held_out_loss(self, figures: Mapping[str, float]) -> float | None:
        """The sum of the losses."""
        losses = [figures[name] for objective in self.objectives if (name := f"eval/{objective}_loss") in figures]
        return sum(losses) if losses else None

    def finish(self, workers: Workers, folder: str) -> dict[str, float]:  # noqa: ARG002 - nothing to write beside the model
        return self.evaluate(workers)

    def _split(self, uri: str, split: SplitName, seed: int) -> PretrainSamples:
        special = vocab.special_ids(self.tokenizer)
        masking = Masking(special, vocab.continuations(self.tokenizer), self.settings)
        made = described(uri)
        instances = (
            GivenInstances(uri, split, self.settings, masking)
            if made.kind == "instances"
            else DrawnInstances(Corpus(uri, split), self.settings, special, masking)
        )
        return PretrainSamples(instances, made.weights, self.settings.batch_size, seed)

    def _batched(self, samples: Iterable[Sample]) -> Iterator[MicroBatch]:
        remaining = iter(samples)
        while batch := list(islice(remaining, self.settings.micro_batch_size)):
            yield self._micro_batch(batch)

    def _micro_batch(self, samples: Sequence[Sample]) -> MicroBatch:
        inputs, counts = _packed(samples)
        lengths = [len(sample.input_ids) for sample in samples]
        work = flop.of_step(self.model.config, self.model.vocab_size, lengths, counts[0])
        return MicroBatch(inputs, counts, sum(lengths), work.total)


def _packed(samples: Sequence[Sample]) -> tuple[Inputs, tuple[int, ...]]:
    """The inputs, and how many items each objective has."""
    packed = pack([sample.input_ids for sample in samples], [sample.token_type_ids for sample in samples])
    starts = packed.cu_seqlens.numpy()
    positions = [
        sample.masked_positions.astype(np.int64) + start for sample, start in zip(samples, starts[:-1], strict=True)
    ]
    labels = np.concatenate([sample.labels for sample in samples]).astype(np.int64)
    next_sentence = [sample.next_sentence_label for sample in samples if sample.next_sentence_label is not None]
    inputs = Inputs(
        packed,
        torch.from_numpy(np.concatenate(positions)),
        torch.from_numpy(labels),
        torch.tensor(next_sentence) if next_sentence else None,
    )
    return inputs, (len(labels), len(samples)) if next_sentence else (len(labels),)


def _phase_before(run: Run, stage: Pretrain, folder: RunFolder) -> Checkpoints | None:
    index = run.pretrain.index(stage)
    if index == 0:
        return None
    name = run.pretrain[index - 1].name
    return Checkpoints(folder.checkpoints(name), fingerprint(run, name), run.checkpoint.keep)
