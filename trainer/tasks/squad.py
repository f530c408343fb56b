"""SQuAD as a task: windows of questions and contexts in, span losses out; answers and official scores at the end."""

import logging
import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from trainer.compute import flop
from trainer.config.reading import Reading
from trainer.config.schema import Run, Squad
from trainer.data.order import Order, ranks_of
from trainer.data.shared_corpus import load_tokenizer
from trainer.engine.folder import RunFolder
from trainer.engine.parallel import Workers
from trainer.engine.state import State
from trainer.engine.task import MicroBatch, Sums
from trainer.model.encoder import AnyBert
from trainer.model.heads import BertForQuestionAnswering
from trainer.model.packing import Packed, padded_positions, sent
from trainer.model.pretrained import from_pretrained
from trainer.squad import answers, examples, features, metrics, thresholds
from trainer.squad.answers import Predictions
from trainer.squad.features import Window
from trainer.tasks import squad_files
from trainer.tasks.given_model import given_model
from trainer.tasks.span_logits import SpanLogits, packed_windows, span_logits

log = logging.getLogger(__name__)

_EVALUATED = ("exact", "f1")
"""Of the official scores, what is told while it trains."""
_EVALUATED_2 = ("HasAns_exact", "HasAns_f1", "NoAns_exact")
"""And where some of the questions have no answer."""


class Inputs(NamedTuple):
    """S windows, packed into T tokens."""

    packed: Packed
    start_positions: Tensor
    """(S,) int64, counted from each window's [CLS]; 0 is [CLS], no answer here."""
    end_positions: Tensor
    """(S,) int64."""


class SquadTask:
    """Fine-tuning on some SQuAD files, or on none, and scoring on another.

    Raises:
        DataError: a file is not SQuAD.
        CheckpointError: the model to start from cannot be opened.
        ConfigError: it does not fit the stage.
    """

    objectives = ("span",)

    def __init__(self, run: Run, stage: Squad, folder: RunFolder) -> None:
        self.settings = stage
        self._given, self.tokenizer = _model_and_tokenizer(run, stage, folder)
        config = run.model if self._given is None else self._given.config
        self.model = BertForQuestionAnswering(config, self.tokenizer.get_vocab_size())
        files = [examples.load(folder.resolve(uri)) for uri in stage.train]
        self._dev = examples.load(folder.resolve(stage.dev))
        self._windows = self._convert([example for file in files for example in file.examples])
        if files:
            self.model.reading = Reading.of(stage, version_2=any(file.version_2 for file in files))
        elif isinstance(self._given, BertForQuestionAnswering):
            self.model.reading = self._given.reading
        if files and self._dev.version_2 and not any(file.version_2 for file in files):
            log.warning(
                "%s has questions without an answer and %s has none: none is learned", stage.dev, ", ".join(stage.train)
            )
        self._order = Order([len(self._windows)], [1], run.seed_of(stage))
        self.steps = math.ceil(stage.epochs * len(self._windows) / stage.batch_size)
        self.eval_every = stage.eval_every or self.steps
        self.patience = stage.early_stopping_patience

    def start(self, state: State) -> None:
        """Take the encoder of the pretrained model. The head that points at answers is new unless it brings one."""
        if isinstance(self._given, BertForQuestionAnswering):
            state.model.load_state_dict(self._given.state_dict())
        elif self._given is not None:
            state.model.get_submodule("bert").load_state_dict(self._given.bert.state_dict())

    def micro_batches(self, step: int, rank: int, world_size: int) -> list[MicroBatch]:
        before = step * self.settings.batch_size
        _, numbers = self._order(before, before + self.settings.batch_size)
        windows = [self._windows[number] for number in numbers]
        ranks = ranks_of(np.array([len(window.input_ids) for window in windows]), world_size)
        return self._split([window for window, its in zip(windows, ranks, strict=True) if its == rank])

    def losses(self, model: nn.Module, inputs: Inputs) -> Sums:
        device = next(model.parameters()).device
        packed = inputs.packed.to(device)
        targets = sent(torch.stack([inputs.start_positions, inputs.end_positions]), device)
        logits = torch.stack(model(packed)).float()
        padded = _padded(logits, packed)
        loss = -log_softmax(padded, -1).gather(-1, targets[..., None]).sum() / 2
        correct = (padded.detach().argmax(-1) == targets).all(0).sum()
        return Sums(loss[None], correct[None])

    def evaluate(self, workers: Workers) -> dict[str, float]:
        """EM and F1 on the dev file, in percent; empty where the stage scores only at its end, in `finish`."""
        if self.settings.eval_every is None:
            return {}
        predictions = self._predictions(workers)
        scores = {} if predictions is None else self._scores(predictions)
        names = (*_EVALUATED, *_EVALUATED_2) if self._dev.version_2 else _EVALUATED
        figures = workers.total([scores.get(name, 0.0) for name in names])
        return {f"eval/{name}": figure for name, figure in zip(names, figures, strict=True)}

    def held_out_loss(self, figures: Mapping[str, float]) -> float | None:
        """What F1 lacks to 100 %."""
        return 100 - figures["eval/f1"] if "eval/f1" in figures else None

    def finish(self, workers: Workers, folder: str) -> dict[str, float]:
        """Predict the dev file with all workers; the first writes the files of `squad_files`."""
        predictions = self._predictions(workers)
        if predictions is None:
            return {}
        squad_files.write(folder, self._dev, predictions)
        return {f"squad/{name}": value for name, value in self._scores(predictions).items()}

    def _predictions(self, workers: Workers) -> Predictions | None:
        """For the dev file, made by all workers; known to the first."""
        windows = self._dev_windows
        own = range(workers.rank, len(windows), workers.world_size)
        gathered = workers.gather(self._logits([windows[index] for index in own], workers))
        if gathered is None:
            return None
        starts, ends = _interleaved(gathered, len(windows))
        predictions = answers.predict(
            self._dev.examples,
            windows,
            starts,
            ends,
            n_best=self.settings.n_best,
            max_answer_length=self.settings.max_answer_length,
            null_threshold=math.inf,
            version_2=self._dev.version_2,
        )
        return predictions.at(self._null_threshold(predictions))

    def _scores(self, predictions: Predictions) -> dict[str, float]:
        null_odds = predictions.null_odds if self._dev.version_2 else None
        return metrics.evaluate(self._dev, predictions.answers, null_odds)

    def _null_threshold(self, predictions: Predictions) -> float:
        """As set, or as tuned on the dev file; the model keeps a tuned one."""
        goal = self.settings.null_threshold
        if not isinstance(goal, str):
            return goal
        if not self._dev.version_2:
            return 0.0
        threshold = thresholds.curve(self._dev, predictions.spans, predictions.null_odds).best(goal)["threshold"]
        if self.model.reading is not None:
            self.model.reading = self.model.reading.model_copy(update={"null_threshold": threshold})
        return threshold

    @cached_property
    def _dev_windows(self) -> list[Window]:
        """Cut at the first scoring."""
        return self._convert(self._dev.examples)

    def _convert(self, questions: Sequence[examples.Example]) -> list[Window]:
        return features.convert(
            questions,
            self.tokenizer,
            max_length=self.settings.max_length,
            doc_stride=self.settings.doc_stride,
            max_query_length=self.settings.max_query_length,
        )

    def _logits(self, windows: Sequence[Window], workers: Workers) -> list[SpanLogits]:
        """Sorted by length inside, so that batches are even."""
        self.model.eval()
        by_length = sorted(range(len(windows)), key=lambda index: len(windows[index].input_ids))
        size = 4 * self.settings.micro_batch_size
        batches = [by_length[start : start + size] for start in range(0, len(by_length), size)]
        return span_logits(self.model, windows, batches, workers.device, self.settings.precision)

    def _split(self, windows: Sequence[Window]) -> list[MicroBatch]:
        size = self.settings.micro_batch_size
        parts = [windows[start : start + size] for start in range(0, len(windows), size)]
        return [self._micro_batch(part) for part in parts]

    def _micro_batch(self, windows: Sequence[Window]) -> MicroBatch:
        lengths = [len(window.input_ids) for window in windows]
        work = flop.of_step(self.model.config, self.model.vocab_size, lengths, masked=0)
        return MicroBatch(_inputs(windows), (len(windows),), sum(lengths), work.total)


def _model_and_tokenizer(run: Run, stage: Squad, folder: RunFolder) -> tuple[AnyBert | None, Tokenizer]:
    if stage.model is not None:
        return given_model(stage, folder)
    if run.pretrain:
        return from_pretrained(folder.model(run.pretrain[-1].name))
    return None, load_tokenizer(folder.vocab)


def _inputs(windows: Sequence[Window]) -> Inputs:
    return Inputs(
        packed_windows(windows),
        torch.tensor([window.start_position for window in windows]),
        torch.tensor([window.end_position for window in windows]),
    )


def _padded(logits: Tensor, packed: Packed) -> Tensor:
    """(2, T) -> (2, S, L), -inf behind the end of each window."""
    windows, length = len(packed.cu_seqlens) - 1, packed.max_seqlen
    positions = padded_positions(packed.cu_seqlens, length, logits.shape[1])
    padded = logits.new_full((2, windows * length), -torch.inf).index_copy(1, positions, logits)
    return padded.unflatten(1, (windows, length))


def _interleaved(
    gathered: Sequence[Sequence[SpanLogits]], count: int
) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]:
    """What worker r made for windows r, r + world, ... back in the windows' order, starts and ends apart."""
    both = [gathered[index % len(gathered)][index // len(gathered)] for index in range(count)]
    return [pair[0] for pair in both], [pair[1] for pair in both]
