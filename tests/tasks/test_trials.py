import json

import numpy as np
import pytest

from tests.tasks.conftest import NAMES, Prepared
from trainer import storage
from trainer.config.schema import Run
from trainer.tasks.trials import summarise
from trainer.tracking import trials


def swept(prepared: Prepared, **sweep: object) -> Run:
    return prepared.run.model_copy(update={"squad": (prepared.run.squad[0].model_copy(update=sweep),)})


def answer(prepared: Prepared, run: Run, wrong: list[int]) -> None:
    """Each trial's predictions: all right, but so many of the six answerable questions."""
    for stage, count in zip(run.stages[len(run.pretrain) :], wrong, strict=True):
        answers = {f"{number}a": "nobody" if number < count else NAMES[number] for number in range(6)}
        uri = prepared.folder.stage(stage.name, "predictions.json")
        storage.write_text(uri, json.dumps(answers | {f"{number}b": "" for number in range(6)}))


def test_a_learning_rate_is_judged_over_its_seeds(prepared: Prepared) -> None:
    run = swept(prepared, seeds=3, learning_rates=(1e-3, 2e-3))
    answer(prepared, run, [3, 0, 6, 1, 1, 1])
    summarise(run, prepared.folder)
    (sweep,) = trials.read(prepared.folder.uri)
    assert (sweep.stage, sweep.version_2, sweep.questions) == ("squad", True, 12)
    first, second = sweep.rates
    of_seeds = 100 * np.array([9, 12, 6]) / 12
    assert (first.learning_rate, first.seeds, first.best) == (1e-3, (0, 1, 2), "squad.0.001.seed-1")
    assert first.exact.mean == pytest.approx(of_seeds.mean())
    assert first.exact.deviation == pytest.approx(of_seeds.std(ddof=1))
    assert first.exact.best == 100
    assert first.exact.low < first.exact.mean < first.exact.high
    assert second.exact.deviation == pytest.approx(0)
    assert second.f1.mean == pytest.approx(100 * 11 / 12)


def test_one_seed_has_no_deviation(prepared: Prepared) -> None:
    run = swept(prepared, learning_rates=(1e-3, 2e-3))
    answer(prepared, run, [0, 1])
    summarise(run, prepared.folder)
    assert [rate.f1.deviation for rate in trials.read(prepared.folder.uri)[0].rates] == [None, None]


def test_a_run_without_trials_has_no_summary(prepared: Prepared) -> None:
    summarise(prepared.run, prepared.folder)
    assert trials.read(prepared.folder.uri) == ()
