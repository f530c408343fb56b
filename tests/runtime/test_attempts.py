import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from trainer.config.operation import Limits
from trainer.config.schema import Pretrain, Run
from trainer.engine.folder import RunFolder
from trainer.runtime.attempts import Attempts
from trainer.runtime.wall_clock import WallClock

New = Callable[[], Attempts]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Two failures in a row are allowed."""
    limits = Limits(max_failures=2, deadline_hours=2)
    return Run.model_construct(name="run", storage=str(tmp_path), pretrain=(Pretrain(),), limits=limits)


@pytest.fixture
def new(run: Run) -> New:
    """The record as a new driver of one and the same run finds it."""
    return lambda: Attempts(run, RunFolder.of(run))


def save_checkpoint(tmp_path: Path, step: int) -> None:
    folder = tmp_path / "run" / "pretrain" / "checkpoints" / f"step-{step:08d}"
    folder.mkdir(parents=True)
    (folder / "complete.json").write_text("{}")


def test_failures_in_a_row_are_one_too_many_at_some_time(new: New) -> None:
    attempts = new()
    assert attempts.begin()
    assert [attempts.fail() for _ in range(3)] == [True, True, False]


def test_a_new_checkpoint_makes_up_for_all_failures(new: New, tmp_path: Path) -> None:
    attempts = new()
    attempts.begin()
    assert [attempts.fail() for _ in range(2)] == [True, True]
    save_checkpoint(tmp_path, 100)
    assert [attempts.fail() for _ in range(3)] == [True, True, False]


def test_a_driver_that_is_killed_is_counted_by_the_next(new: New) -> None:
    assert [new().begin() for _ in range(4)] == [True, True, True, False]


def test_a_driver_that_ends_in_good_order_is_no_failure(new: New) -> None:
    for _ in range(5):
        attempts = new()
        assert attempts.begin()
        attempts.end()


def test_groups_of_workers_are_counted_over_all_drivers(new: New) -> None:
    assert [new().regroup(), new().regroup()] == [0, 1]


def test_the_deadline_counts_from_the_first_start(new: New) -> None:
    before = datetime.now(UTC)
    new().begin()
    deadline = new().deadline
    assert deadline is not None
    assert before <= deadline - timedelta(hours=2) <= datetime.now(UTC)


def test_a_damaged_record_is_begun_anew(new: New, tmp_path: Path) -> None:
    new().begin()
    (tmp_path / "run" / "attempts.json").write_text("{")
    assert [new().begin() for _ in range(3)] == [True, True, True]


def test_a_clock_that_is_set_an_hour_ahead_brings_the_deadline_no_nearer(tmp_path: Path) -> None:
    limits = Limits(deadline_hours=0.5)
    run = Run.model_construct(name="run", storage=str(tmp_path), pretrain=(Pretrain(),), limits=limits)
    seconds = iter([0.0, 3600.0])
    attempts = Attempts(run, RunFolder.of(run), partial(WallClock, wall=seconds.__next__, steady=lambda: 0.0))
    attempts.begin()
    before = attempts.deadline
    assert before is not None
    assert not attempts.late()
    assert attempts.deadline == before + timedelta(hours=1)
    assert Attempts(run, RunFolder.of(run)).deadline == attempts.deadline, "the next driver counts from there"


def test_a_clock_that_is_set_between_two_drivers_on_one_machine_brings_the_deadline_no_nearer(
    new: New, run: Run
) -> None:
    new().begin()
    before = new().deadline
    later = Attempts(run, RunFolder.of(run), partial(WallClock, wall=lambda: time.time() + 3600))
    assert not later.late()
    assert before is not None
    assert later.deadline is not None
    assert (later.deadline - before).total_seconds() == pytest.approx(3600, abs=1)
