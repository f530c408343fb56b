"""The finished trials of a run, summed up: predictions of every trial -> `trials.json`.

Scores are made again from `predictions.json`, question by question, for the bootstrap needs each of them.
"""

import json
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from trainer import storage
from trainer.config.schema import Run, Squad
from trainer.engine.folder import RunFolder
from trainer.squad import bootstrap, examples, metrics
from trainer.squad.bootstrap import Interval
from trainer.squad.examples import Dataset
from trainer.tracking import trials
from trainer.tracking.trials import Estimate, Rate, Sweep

_Scores = NDArray[np.float64]
"""(2, seeds, questions): exact match and F1 in percent."""


def summarise(run: Run, folder: RunFolder) -> None:
    """Write `trials.json` if a SQuAD entry of the run has several trials; all of them are finished.

    Raises:
        DataError: a SQuAD file is not what it was.
        StorageError: a file cannot be read or written.
    """
    sweeps = [(entry, entry.trials(run.seed)) for entry in run.squad]
    found = tuple(_sweep(entry, stages, folder) for entry, stages in sweeps if len(stages) > 1)
    if found:
        trials.write(folder.uri, found)


def _sweep(entry: Squad, stages: tuple[Squad, ...], folder: RunFolder) -> Sweep:
    dataset = examples.load(folder.resolve(entry.dev))
    groups = [list(group) for _, group in groupby(stages, lambda stage: stage.optimizer.learning_rate)]
    scores = [np.stack([_scores(stage, dataset, folder) for stage in group], axis=1) for group in groups]
    means = np.concatenate([of_rate.mean(axis=1) for of_rate in scores])
    found = iter(bootstrap.intervals(means))
    rates = [_rate(group, of_rate, next(found), next(found)) for group, of_rate in zip(groups, scores, strict=True)]
    return Sweep(
        stage=entry.name,
        version_2=dataset.version_2,
        questions=len(dataset.examples),
        resamples=bootstrap.RESAMPLES,
        rates=tuple(rates),
    )


def _scores(stage: Squad, dataset: Dataset, folder: RunFolder) -> NDArray[np.float64]:
    """(2, questions)."""
    answers = json.loads(storage.read_bytes(folder.stage(stage.name, "predictions.json")))
    return 100 * np.array([(score.exact, score.f1) for score in metrics.score(dataset, answers).values()]).T


def _rate(group: list[Squad], scores: _Scores, exact: Interval, f1: Interval) -> Rate:
    of_seeds = scores.mean(axis=2)
    return Rate(
        learning_rate=group[0].optimizer.learning_rate,
        seeds=tuple(stage.seed for stage in group if stage.seed is not None),
        best=group[int(of_seeds[1].argmax())].name,
        exact=_estimate(of_seeds[0], exact),
        f1=_estimate(of_seeds[1], f1),
    )


def _estimate(of_seeds: NDArray[np.float64], interval: Interval) -> Estimate:
    return Estimate(
        mean=float(of_seeds.mean()),
        deviation=float(of_seeds.std(ddof=1)) if len(of_seeds) > 1 else None,
        best=float(of_seeds.max()),
        low=interval.low,
        high=interval.high,
    )
