"""Windows and answers of SQuAD beside transformers' run_qa: python -m tests.benchmarks.squad_answers [UTILS_QA]

Real questions (the official dev set of v1.1 of ../shared/data), the real vocabulary, random logits from a fixed seed:
what a scoring costs beside the model. The peer is what run_qa does: a fast tokenizer of transformers in
`datasets.Dataset.map` with two processes, 384 tokens, an overlap of 128, then `postprocess_qa_predictions` of its
`utils_qa.py`. That file is no part of a package; UTILS_QA, or the variable BERTH_UTILS_QA, says where it lies (it is in
examples/pytorch/question-answering of transformers' repository). `pip install datasets` where that is absent.

Windows that start where the peer's do are a matter of settings, so it is timed on its own, and then given ours, to see
that both make the same n best of them. Scoring with the official rules is timed too. Ends with an error where we are
less than LEAST_RATIO times as fast, differ, or score more slowly than MOST_SECONDS.
"""

import importlib.util
import json
import os
import runpy
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transformers import BertTokenizer

from tests.benchmarks.real_text import DATA, show
from trainer.data import vocab
from trainer.squad import answers, features, metrics
from trainer.squad.answers import Predictions
from trainer.squad.examples import Dataset, load
from trainer.squad.features import Window

LEAST_RATIO = 5.0
MOST_SECONDS = 2.0
ROUNDS = 3
LENGTH, STRIDE, N_BEST, LONGEST = 384, 128, 20, 30
VOCABULARY = DATA / "bert-base-uncased-vocab.txt"
_BEHIND = -1e4
"""The peer's logits behind the end of a window; a model gives low ones there."""

Logits = NDArray[np.float32]
"""(2, W, L): starts and ends of W windows, of which the first tokens count."""


def ours_features(dataset: Dataset) -> list[Window]:
    tokenizer = vocab.load(str(VOCABULARY), lowercase=True)
    return features.convert(dataset.examples, tokenizer, max_length=LENGTH, doc_stride=STRIDE, max_query_length=64)


def ours_answers(dataset: Dataset, windows: Sequence[Window], logits: Logits) -> Predictions:
    starts, ends = ([row[: len(w.input_ids)] for row, w in zip(half, windows, strict=True)] for half in logits)
    rules = {"n_best": N_BEST, "max_answer_length": LONGEST, "null_threshold": 0.0, "version_2": False}
    return answers.predict(dataset.examples, windows, starts, ends, **rules)


def peer_features(table: Any) -> Any:
    """What run_qa makes of questions to predict: windows, their question's id, and the offsets of the context."""
    tokenizer = BertTokenizer(vocab=str(VOCABULARY))

    def windows(batch: dict[str, list[str]]) -> dict[str, Any]:
        encoded = tokenizer(
            batch["question"],
            batch["context"],
            truncation="only_second",
            max_length=LENGTH,
            stride=STRIDE,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            padding="max_length",
        )
        questions = encoded.pop("overflow_to_sample_mapping")
        encoded["example_id"] = [batch["id"][question] for question in questions]
        encoded["offset_mapping"] = [
            [pair if part == 1 else None for pair, part in zip(pairs, encoded.sequence_ids(index), strict=True)]
            for index, pairs in enumerate(encoded["offset_mapping"])
        ]
        return encoded

    return table.map(windows, batched=True, num_proc=2, remove_columns=table.column_names, load_from_cache_file=False)


def peer_answers(postprocess: Callable[..., Any], table: Any, windows: Any, logits: Logits) -> dict[str, Any]:
    """The peer's n best, which it gives only as a file."""
    with tempfile.TemporaryDirectory(prefix="berth-benchmark-") as folder:
        postprocess(table, windows, tuple(logits), n_best_size=N_BEST, max_answer_length=LONGEST, output_dir=folder)
        return json.loads((Path(folder) / "nbest_predictions.json").read_text())


def as_peer_features(dataset: Dataset, windows: Sequence[Window]) -> list[dict[str, Any]]:
    return [
        {
            "example_id": dataset.examples[window.example_index].id,
            "offset_mapping": [None] * window.context_offset + [tuple(pair) for pair in window.offsets.tolist()],
        }
        for window in windows
    ]


def random_logits(lengths: Sequence[int]) -> Logits:
    logits = np.random.default_rng(0).standard_normal((2, len(lengths), LENGTH), dtype=np.float32)
    logits[:, np.arange(LENGTH) >= np.array(lengths)[:, None]] = _BEHIND
    return logits


def equal(ours: Predictions, theirs: dict[str, Any]) -> int:
    """Questions whose n best have the same texts and logits in the same order, and probabilities but for rounding."""

    def split(candidates: Sequence[Any]) -> tuple[list[Any], list[float]]:
        kept = [(each["text"], each["start_logit"], each["end_logit"]) for each in candidates]
        return kept, [each["probability"] for each in candidates]

    pairs = [(split(ours.n_best[id]), split(theirs[id])) for id in theirs]
    return sum(mine[0] == its[0] and np.allclose(mine[1], its[1], atol=1e-6) for mine, its in pairs)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """The median seconds of some rounds, and what the last gave."""
    seconds: list[float] = []
    result = None
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - begun)
    return median(seconds), result


def measured(postprocess: Callable[..., Any], table_of: Callable[[Dataset], Any]) -> bool:
    """Print the table; says whether the bounds are kept."""
    dataset = load(str(DATA / "squad" / "dev-v1.1.json.gz"))
    table = table_of(dataset)
    ours: dict[str, float] = {}
    theirs: dict[str, float] = {}
    ours["features"], windows = timed(lambda: ours_features(dataset))
    theirs["features"], peer_windows = timed(lambda: peer_features(table))
    logits = random_logits([len(window.input_ids) for window in windows])
    peer_logits = random_logits([sum(mask) for mask in peer_windows["attention_mask"]])
    ours["answers"], predictions = timed(lambda: ours_answers(dataset, windows, logits))
    theirs["answers"], _ = timed(lambda: peer_answers(postprocess, table, peer_windows, peer_logits))
    scoring, _ = timed(lambda: metrics.evaluate(dataset, predictions.answers))
    same = equal(predictions, peer_answers(postprocess, table, as_peer_features(dataset, windows), logits))
    for times in (ours, theirs):
        times["total"] = sum(times.values())
    ratio = theirs["total"] / ours["total"]
    show(
        "SQuAD v1.1 dev, 10,570 questions: windows, and answers from random logits; seconds, median of three",
        ["", "Berth", "run_qa", "Berth is faster by"],
        [[name, f"{ours[name]:.2f}", f"{theirs[name]:.2f}", f"{theirs[name] / ours[name]:.1f} x"] for name in ours],
        f"{len(windows):,} windows here, {len(peer_windows):,} there. Same n best of the same windows: {same:,} of "
        f"{len(dataset.examples):,} questions.",
        f"Required: {LEAST_RATIO:g} times as fast: {ratio:.1f}. Scoring: {scoring:.2f} s, at most {MOST_SECONDS:g}.",
    )
    return ratio >= LEAST_RATIO and same == len(dataset.examples) and scoring <= MOST_SECONDS


def main(given: Sequence[str]) -> bool:
    """Measure, or say what is missing."""
    utils_qa = Path(next(iter(given), os.environ.get("BERTH_UTILS_QA", "")))
    if not (DATA / "squad").is_dir():
        print(f"skipped: it needs the real data, and {DATA} is absent; set BERTH_TEST_DATA to where it lies")
        return True
    if not utils_qa.is_file():
        print("skipped: it needs transformers' utils_qa.py; give its path or set BERTH_UTILS_QA (see the docstring)")
        return True
    if importlib.util.find_spec("datasets") is None:
        print("skipped: it needs the package datasets; install it, or put it on PYTHONPATH")
        return True
    datasets = importlib.import_module("datasets")
    fields = ("id", "question", "context")
    return measured(
        runpy.run_path(str(utils_qa))["postprocess_qa_predictions"],
        lambda dataset: datasets.Dataset.from_dict(
            {name: [getattr(example, name) for example in dataset.examples] for name in fields}
        ),
    )


if __name__ == "__main__":
    sys.exit(not main(sys.argv[1:]))
