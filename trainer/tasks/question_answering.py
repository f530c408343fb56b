"""A model that was trained on SQuAD put to use: questions with their texts in, answers out, in the same order.

A text of any length is read through overlapping windows, as in training and with the settings of the training; the best
span of all windows answers. Windows go through the model sorted by length and packed, so nothing is computed on
padding, and a long document needs no more of the model's memory than a short one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Literal

import numpy as np
import torch
from tokenizers import Tokenizer

from trainer.config.reading import Reading
from trainer.errors import InputError
from trainer.model.heads import BertForQuestionAnswering
from trainer.model.pretrained import from_pretrained
from trainer.squad import answers, features
from trainer.squad.answers import Candidate
from trainer.squad.examples import Example
from trainer.squad.features import Window
from trainer.tasks.span_logits import SpanLogits, span_logits

BATCH_SIZE = 64
"""Questions that are read before they are answered."""

_TOKENS = {"cpu": 1 << 12, "cuda": 1 << 16}
"""Tokens in one forward pass: what bounds the model's memory."""

_Read = tuple[Window, SpanLogits]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a text says to a question: `context[start:end] == text`, in characters. An empty text is "no answer"."""

    text: str
    probability: float
    """0 to 1: the softmax over the scores of the n best spans of the text and, where it may be given, of no answer.
    It compares these with each other; whether the text is about the question at all, it does not say.
    """
    start: int
    end: int


class QuestionAnswering:
    """Answers questions, one or many, with a model that is loaded once.

        reader = QuestionAnswering.from_pretrained("runs/quickstart/squad-v2.0/model")
        reader("Who founded the town?", text)
        for answer in reader.answers((question, text) for question in questions): ...

    Args:
        model: it is moved to the device.
        tokenizer: the model's.
        handle_impossible_answer: whether "no answer" is an answer, as Hugging Face's pipeline calls it. Without it, if
            the model was trained on questions without one (SQuAD v2.0); one that does not say so always answers.
        null_threshold: no answer is given where its score is over the best span's by more than this. Without it, that
            of the training; 0 where the model does not say.
        device: without it, a GPU if there is one.
        precision: as `precision` of a run's stages.
    """

    def __init__(
        self,
        model: BertForQuestionAnswering,
        tokenizer: Tokenizer,
        *,
        handle_impossible_answer: bool | None = None,
        null_threshold: float | None = None,
        device: str | None = None,
        precision: Literal["auto", "bf16", "fp32"] = "auto",
    ) -> None:
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self._model = model.to(self._device).eval()
        self._tokenizer = tokenizer
        self._precision = precision
        reading = model.reading or Reading.usual(model.config.max_position_embeddings)
        chosen = {"version_2_with_negative": handle_impossible_answer, "null_threshold": null_threshold}
        self.reading = reading.model_copy(update={name: value for name, value in chosen.items() if value is not None})

    @classmethod
    def from_pretrained(
        cls,
        name_or_uri: str,
        *,
        handle_impossible_answer: bool | None = None,
        null_threshold: float | None = None,
        device: str | None = None,
        precision: Literal["auto", "bf16", "fp32"] = "auto",
    ) -> "QuestionAnswering":
        """Open any model that `trainer.from_pretrained` opens and that answers questions.

        Raises:
            InputError: it does not answer questions.
            CheckpointError: there is no such model, or it is torn.
            StorageError: it cannot be read.
        """
        model, tokenizer = from_pretrained(name_or_uri)
        if not isinstance(model, BertForQuestionAnswering):
            raise InputError(name_or_uri, "the model answers no questions", "give the model of a SQuAD stage")
        return cls(
            model,
            tokenizer,
            handle_impossible_answer=handle_impossible_answer,
            null_threshold=null_threshold,
            device=device,
            precision=precision,
        )

    def __call__(self, question: str, context: str) -> Answer:
        """The answer to one question.

        Raises:
            InputError: the question or the context is empty.
        """
        return next(self.answers([(question, context)]))

    def answers(self, questions: Iterable[tuple[str, str]], batch_size: int = BATCH_SIZE) -> Iterator[Answer]:
        """The answers to pairs of question and context, in their order; `batch_size` pairs are read at a time.

        Raises:
            InputError: a question or a context is empty.
        """
        pairs = iter(questions)
        while batch := list(islice(pairs, batch_size)):
            yield from self._batch([_example(number, *pair) for number, pair in enumerate(batch)])

    def _batch(self, examples: Sequence[Example]) -> Iterator[Answer]:
        reading = self.reading
        windows = features.convert(
            examples,
            self._tokenizer,
            max_length=reading.max_length,
            doc_stride=reading.doc_stride,
            max_query_length=reading.max_query_length,
        )
        logits = self._logits(windows)
        predictions = answers.predict(
            examples,
            windows,
            [starts for starts, _ in logits],
            [ends for _, ends in logits],
            n_best=max(reading.n_best, 2),  # the best span and no answer, to compare them
            max_answer_length=reading.max_answer_length,
            null_threshold=reading.null_threshold,
            version_2=reading.version_2_with_negative,
        )
        own: list[list[_Read]] = [[] for _ in examples]
        for window, pair in zip(windows, logits, strict=True):
            own[window.example_index].append((window, pair))
        for example, read in zip(examples, own, strict=True):
            yield _answer(example.context, read, predictions.answers[example.id], predictions.n_best[example.id])

    def _logits(self, windows: Sequence[Window]) -> list[SpanLogits]:
        batches = _batches([len(window.input_ids) for window in windows], _TOKENS[self._device.type])
        return span_logits(self._model, windows, batches, self._device, self._precision)


def _answer(context: str, read: Sequence[_Read], text: str, n_best: Sequence[Candidate]) -> Answer:
    # Windows overlap, so a span may be found twice; each text counts once, as in Google's `run_squad.py`.
    distinct: dict[str, Candidate] = {}
    for candidate in n_best:
        distinct.setdefault(candidate["text"], candidate)
    found = distinct[text]
    probability = found["probability"] / sum(candidate["probability"] for candidate in distinct.values())
    start, end = next(_places(context, read, found)) if text else (0, 0)
    return Answer(text, probability, start, end)


def _places(context: str, read: Sequence[_Read], found: Candidate) -> Iterator[tuple[int, int]]:
    """Where spans with the candidate's logits and its text stand; the candidate is one of them."""
    for window, (start_logits, end_logits) in read:
        tokens = slice(window.context_offset, window.context_offset + len(window.offsets))
        starts = np.flatnonzero(start_logits[tokens] == found["start_logit"])
        ends = np.flatnonzero(end_logits[tokens] == found["end_logit"])
        for first, last in product(starts, ends):
            start, end = int(window.offsets[first, 0]), int(window.offsets[last, 1])
            if context[start:end] == found["text"]:
                yield start, end


def _batches(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Indices of all lengths, the shortest first, in batches of up to so many tokens: each has one at least."""
    batch: list[int] = []
    held = 0
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and held + lengths[index] > tokens:
            yield batch
            batch, held = [], 0
        batch.append(index)
        held += lengths[index]
    if batch:
        yield batch


def _example(number: int, question: str, context: str) -> Example:
    for name, text in (("question", question), ("context", context)):
        if not text.strip():
            raise InputError(f"the {name}", "it is empty", f"give a {name} with text")
    return Example(str(number), "", question, context, ())
