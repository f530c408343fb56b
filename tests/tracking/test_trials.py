from pathlib import Path

import pytest

from trainer.errors import DataError
from trainer.tracking import trials
from trainer.tracking.trials import Estimate, Rate, Sweep

ESTIMATE = Estimate(mean=80.0, deviation=0.2, best=80.2, low=79.0, high=81.0)
RATE = Rate(learning_rate=3e-5, seeds=(0, 1), best="squad.3e-5.seed-1", exact=ESTIMATE, f1=ESTIMATE)
SWEEP = Sweep(stage="squad", version_2=False, questions=10, resamples=2000, rates=(RATE,))


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    trials.write(str(tmp_path), (SWEEP,))
    assert trials.read(str(tmp_path)) == (SWEEP,)


def test_a_run_without_trials_has_no_sweep(tmp_path: Path) -> None:
    assert trials.read(str(tmp_path)) == ()


def test_a_damaged_summary_is_named(tmp_path: Path) -> None:
    (tmp_path / "trials.json").write_text('[{"stage": 3}]')
    with pytest.raises(DataError, match=r"trials\.json: no summary of trials: .*; delete it"):
        trials.read(str(tmp_path))
