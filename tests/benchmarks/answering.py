"""Answering questions beside `transformers`, question by question: python -m tests.benchmarks.answering

Real questions (of the official dev set of v1.1 of ../shared/data, spread over it), random weights, the same in all.
Ours is `trainer.QuestionAnswering` from text to answers. `transformers` 5 has no pipeline for it any more, so the peer
is what run_qa does: `AutoModelForQuestionAnswering` over windows that are padded to 384, 8 at a time. It gets our
windows and our rules for the best span, and its clock starts when the windows are made: all of that is in its favour.
Ends with an error where the answers in fp32 differ, or where we are less than LEAST_RATIO times as fast as run_qa.
"""

import sys
import time
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

import torch
import transformers

from tests.benchmarks.real_text import DATA, show
from trainer import storage
from trainer.config import schema
from trainer.config.reading import Reading
from trainer.engine.parallel import autocast
from trainer.model import hf
from trainer.model import tokenizer as tokenizer_files
from trainer.model.heads import BertForQuestionAnswering
from trainer.squad import answers, examples, features
from trainer.squad.examples import Example
from trainer.squad.features import Window
from trainer.tasks.question_answering import QuestionAnswering

LEAST_RATIO = 2.0
ROUNDS = 3
RUN_QA = "transformers, run_qa's defaults"
CPU = torch.device("cpu")


class Shape(NamedTuple):
    model: schema.Model
    questions: int


SHAPES = {
    "BERT-base": Shape(schema.Model(), 32),
    "4 layers x 256": Shape(
        schema.Model(num_hidden_layers=4, hidden_size=256, num_attention_heads=4, intermediate_size=1024), 256
    ),
}


class Theirs:
    """Windows of all questions through their model, and the best spans by our rules."""

    def __init__(self, model: BertForQuestionAnswering, asked: Sequence[Example], windows: Sequence[Window]) -> None:
        config = transformers.BertConfig(**model.config.model_dump(), vocab_size=model.vocab_size)
        self._model = transformers.AutoModelForQuestionAnswering.from_config(config).eval()
        self._model.load_state_dict(hf.to_hf(model))
        self._asked, self._windows = asked, windows

    @torch.inference_mode()
    def answers(self, *, precision: str, size: int, padded_to: int | None) -> list[str]:
        """`padded_to` None sorts the windows by length, and pads each batch to its longest."""
        indices = list(range(len(self._windows)))
        if padded_to is None:
            indices.sort(key=lambda index: len(self._windows[index].input_ids))
        logits = {}
        for start in range(0, len(indices), size):
            batch = [self._windows[index] for index in indices[start : start + size]]
            width = padded_to or max(len(window.input_ids) for window in batch)
            ids, types, mask = (torch.zeros(len(batch), width, dtype=torch.long) for _ in range(3))
            for row, window in enumerate(batch):
                length = len(window.input_ids)
                ids[row, :length] = torch.from_numpy(window.input_ids)
                types[row, :length] = torch.from_numpy(window.token_type_ids)
                mask[row, :length] = 1
            with autocast(CPU, precision):
                out = self._model(input_ids=ids, token_type_ids=types, attention_mask=mask)
            both = torch.stack((out.start_logits, out.end_logits), 1).float().numpy()
            for row, index in enumerate(indices[start : start + size]):
                logits[index] = both[row, :, : len(batch[row].input_ids)]
        starts, ends = ([logits[index][side] for index in range(len(indices))] for side in (0, 1))
        found = answers.predict(
            self._asked,
            self._windows,
            starts,
            ends,
            n_best=20,
            max_answer_length=30,
            null_threshold=0.0,
            version_2=False,
        )
        return list(found.answers.values())


def measured(shape: Shape) -> tuple[dict[str, float], int]:
    """Questions a second of each by the median round, and how many windows they made."""
    dev = examples.load(str(DATA / "squad" / "dev-v1.1.json.gz")).examples
    asked = dev[:: len(dev) // shape.questions][: shape.questions]
    vocab = str(DATA / "bert-base-uncased-vocab.txt")
    tokenizer = tokenizer_files.of_vocabulary(storage.read_text(vocab), vocab)
    torch.manual_seed(0)
    model = BertForQuestionAnswering(shape.model, tokenizer.get_vocab_size()).eval()
    reading = Reading.usual(shape.model.max_position_embeddings)
    windows = features.convert(
        asked,
        tokenizer,
        max_length=reading.max_length,
        doc_stride=reading.doc_stride,
        max_query_length=reading.max_query_length,
    )
    theirs = Theirs(model, asked, windows)

    def ours(precision: str) -> list[str]:
        reader = QuestionAnswering(model, tokenizer, device="cpu", precision=precision)  # type: ignore[arg-type]
        return [answer.text for answer in reader.answers((each.question, each.context) for each in asked)]

    length = reading.max_length
    runners = {
        "Berth, fp32": lambda: ours("fp32"),
        "Berth, auto": lambda: ours("auto"),
        RUN_QA: lambda: theirs.answers(precision="fp32", size=8, padded_to=length),
        "... auto precision": lambda: theirs.answers(precision="auto", size=8, padded_to=length),
        "... sorted, padded to the batch's longest, fp32": lambda: theirs.answers(
            precision="fp32", size=8, padded_to=None
        ),
        "... that and auto precision": lambda: theirs.answers(precision="auto", size=8, padded_to=None),
    }
    seconds: dict[str, list[float]] = {name: [] for name in runners}
    found: dict[str, list[str]] = {}
    for _ in range(ROUNDS):
        for name, run in runners.items():
            began = time.perf_counter()
            found[name] = run()
            seconds[name].append(time.perf_counter() - began)
    assert found["Berth, fp32"] == found[RUN_QA], "the answers differ"
    return {name: len(asked) / median(of) for name, of in seconds.items()}, len(windows)


def main(shapes: list[str]) -> bool:
    """Print the tables; says whether the bound is kept."""
    if not (DATA / "squad").is_dir():
        print(f"skipped: it needs the real data, and {DATA} is absent; set BERTH_TEST_DATA to where it lies")
        return True
    kept = True
    for name in shapes:
        shape = SHAPES[name]
        rates, windows = measured(shape)
        ratio = rates["Berth, auto"] / rates[RUN_QA]
        kept &= ratio >= LEAST_RATIO
        show(
            f"Answering SQuAD v1.1: {name}, {shape.questions} questions, {windows} windows",
            ["", "questions/s", "Berth, auto is faster by"],
            [[which, f"{rate:.2f}", f"{rates['Berth, auto'] / rate:.2f} x"] for which, rate in rates.items()],
            f"Required: {LEAST_RATIO:g} times run_qa: {ratio:.2f}. Answers in fp32 are the same.",
            f"torch {torch.__version__}, {torch.get_num_threads()} threads; transformers {transformers.__version__}",
        )
    return kept


if __name__ == "__main__":
    sys.exit(not main(sys.argv[1:] or list(SHAPES)))
