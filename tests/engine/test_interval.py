import pytest

from tests.own_time import own_time
from trainer.engine import interval
from trainer.engine.interval import Interval


def test_by_steps_it_is_due_at_each_so_many() -> None:
    every = Interval(5)
    assert [step for step in range(1, 16) if every.due(step)] == [5, 10, 15]


def test_by_seconds_it_is_due_so_long_after_the_last_save(monkeypatch: pytest.MonkeyPatch) -> None:
    time = own_time(monkeypatch, interval)
    every = Interval("20 s")
    assert not every.due(1)
    time.sleep(20)
    assert every.due(2)
    every.saved(0.0)
    assert not every.due(3)


def saved_at_a_cost(waited: float, undisturbed: float, disturbed: float) -> Interval:
    """After two saves, beside the first of which ten steps took `disturbed` seconds."""
    every = Interval("auto")
    every.saved(waited)
    for _ in range(10):
        every.stepped(disturbed, writing=True)
    for _ in range(90):
        every.stepped(undisturbed, writing=False)
    every.saved(waited)
    return every


def test_auto_takes_one_percent_of_the_time_that_training_stands_still() -> None:
    assert saved_at_a_cost(0.5, 1.0, 1.0).seconds == pytest.approx(50)


def test_auto_counts_what_steps_take_longer_while_a_save_is_written() -> None:
    assert saved_at_a_cost(0.5, 1.0, 1.1).seconds == pytest.approx(100)  # (2 x 0.5 + 10 x 0.1) s for two saves


def test_auto_stays_within_its_bounds() -> None:
    assert Interval("auto").seconds == interval.SHORTEST
    assert saved_at_a_cost(0.001, 1.0, 0.9).seconds == interval.SHORTEST
    assert saved_at_a_cost(100.0, 1.0, 1.0).seconds == interval.LONGEST
