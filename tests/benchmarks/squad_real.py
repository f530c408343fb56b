"""Real fine-tuning on SQuAD, beside the same model without pretraining: python -m tests.benchmarks.squad_real MODEL

MODEL is a model directory that was pretrained here, such as that of `berth run tests/benchmarks/squad_real.yaml`. There
is no full training set in ../shared/data, so dev v1.1 is split by article, 40 to train (with the 12 training articles)
and 8 held out, and dev v2.0 likewise, 27 and 8. v1.1: three seeds each way. v2.0: one, whose threshold is tuned on half
of the held-out questions and applied to the other half, beside the score of answering nothing. `--epochs 0.5` says how
long.
"""

import argparse
import gzip
import json
import tempfile
from pathlib import Path
from typing import Any

import torch

from tests.benchmarks.real_text import DATA, show
from trainer.config.load import parse
from trainer.config.schema import Run, Squad
from trainer.engine.checkpoint import Checkpoints
from trainer.engine.folder import RunFolder
from trainer.engine.loop import Loop
from trainer.engine.parallel import Workers
from trainer.engine.state import State
from trainer.model.pretrained import from_pretrained
from trainer.runtime.inputs import prepare
from trainer.squad import examples, metrics
from trainer.squad.examples import Dataset
from trainer.tasks.squad import SquadTask
from trainer.tasks.trials import summarise
from trainer.tracking import trials
from trainer.tracking.tracker import Trackers

HELD_OUT_ARTICLES = 8
SEEDS = 3


def split(name: str, folder: Path) -> tuple[str, str]:
    """A dev set's articles, all but the last and the last few, as two files."""
    content = json.loads(gzip.decompress((DATA / "squad" / f"{name}.json.gz").read_bytes()))
    parts = {"train": content["data"][:-HELD_OUT_ARTICLES], "held-out": content["data"][-HELD_OUT_ARTICLES:]}
    for part, articles in parts.items():
        (folder / f"{name}-{part}.json").write_text(json.dumps({"version": "", "data": articles}))
    return str(folder / f"{name}-train.json"), str(folder / f"{name}-held-out.json")


def run_of(name: str, model: str, train: list[str], dev: str, folder: Path, seeds: int, epochs: float) -> Run:
    """A run of one SQuAD entry: from MODEL, or from random weights of its shape with its vocabulary."""
    opened, _ = from_pretrained(model)
    stage: dict[str, Any] = {
        "name": "squad",
        "model": model if name != "random" else None,
        "train": train,
        "dev": dev,
        "seeds": seeds,
        "epochs": epochs,
        "micro_batch_size": 12,
        "optimizer": {"learning_rate": 5e-4},
    }
    settings = {
        "name": name,
        "storage": str(folder / "runs"),
        "vocab": {"path": f"{model}/vocab.txt"},
        "model": opened.config.model_dump(),
        "squad": [stage],
    }
    return parse(json.dumps(settings), name)


def fine_tune(run: Run) -> None:
    """Every trial of the run, one after the other."""
    folder, workers = RunFolder.of(run), Workers(torch.device("cpu"))
    prepare(run, folder, lambda part, done, total: None)
    for stage in run.stages:
        assert isinstance(stage, Squad)
        torch.manual_seed(run.seed_of(stage))
        task = SquadTask(run, stage, folder)
        state = State.fresh(task.model, stage)
        task.start(state)
        Loop(
            task,
            state,
            workers,
            seed=run.seed_of(stage),
            checkpoints=Checkpoints(folder.checkpoints(stage.name), "", keep=1),
            checkpoint_every=10**9,
            tracker=Trackers(),
            stop_requested=lambda: False,
        ).run()
        scores = task.finish(workers, folder.stage(stage.name))
        print(f"{run.name} {stage.name}: EM {scores['squad/exact']:.2f} F1 {scores['squad/f1']:.2f}", flush=True)


def first_version(model: str, folder: Path, epochs: float) -> None:
    train, dev = split("dev-v1.1", folder)
    rows: list[list[str]] = []
    for name in ("pretrained", "random"):
        files = [train, str(DATA / "squad" / "train-v1.1-12-articles.json.gz")]
        run = run_of(name, model, files, dev, folder, SEEDS, epochs)
        fine_tune(run)
        summarise(run, RunFolder.of(run))
        (sweep,) = trials.read(RunFolder.of(run).uri)
        cells = [
            f"{of.mean:.2f} ± {of.deviation:.2f} ({of.low:.2f} to {of.high:.2f})"
            for of in (sweep.rates[0].exact, sweep.rates[0].f1)
        ]
        rows.append([name, *cells])
    held_out = f"{sweep.questions} questions of {HELD_OUT_ARTICLES} held-out articles"
    title = f"SQuAD v1.1, {held_out}, {SEEDS} seeds, {epochs:g} epochs"
    show(title, ["weights", "EM", "F1"], rows, "mean ± deviation of seeds (95 % interval by bootstrap over questions)")


def second_version(model: str, folder: Path, epochs: float) -> None:
    train, dev = split("dev-v2.0-reconstructed", folder)
    run = run_of("second", model, [train], dev, folder, 1, epochs)
    best_spans = run.squad[0].model_copy(update={"null_threshold": 1e9})  # to search a threshold over
    run = run.model_copy(update={"squad": (best_spans,)})
    fine_tune(run)
    stage, dataset = RunFolder.of(run).stage("squad"), examples.load(dev)
    answers, odds = (json.loads(Path(stage, f"{name}.json").read_text()) for name in ("predictions", "null_odds"))
    halves = [Dataset(True, dataset.examples[start::2]) for start in (0, 1)]
    known = [{example.id for example in half.examples} for half in halves]
    tuned = metrics.evaluate(halves[0], *({id: of[id] for id in known[0]} for of in (answers, odds)))
    threshold = tuned["best_f1_thresh"]
    kept = {id: "" if odds[id] > threshold else answers[id] for id in known[1]}
    scores, nothing = metrics.evaluate(halves[1], kept), metrics.evaluate(halves[1], dict.fromkeys(known[1], ""))
    rows = [
        [name, *(f"{of[field]:.2f}" for field in ("exact", "f1", "HasAns_f1", "NoAns_f1"))]
        for name, of in ((f"threshold {threshold:.2f} of the other half", scores), ("no answer, always", nothing))
    ]
    title = f"SQuAD v2.0, {len(known[1])} questions of {HELD_OUT_ARTICLES} held-out articles"
    show(title, ["", "EM", "F1", "F1 answerable", "F1 not"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--epochs", type=float, default=1.0)
    given = parser.parse_args()
    if not (DATA / "squad").is_dir():
        print(f"skipped: it needs the real data, and {DATA} is absent; set BERTH_TEST_DATA to where it lies")
        return
    with tempfile.TemporaryDirectory(prefix="berth-benchmark-") as name:
        first_version(given.model, Path(name), given.epochs)
        second_version(given.model, Path(name), given.epochs)


if __name__ == "__main__":
    main()
