from math import inf

from tests.chaos.watch import Cost, Seen, cost


def looks(*figures: tuple[float, int, int, int]) -> list[Seen]:
    return [Seen(*each) for each in figures]


def test_a_crash_costs_the_steps_since_the_checkpoint_it_goes_on_from() -> None:
    seen = looks((0, 110, 2, 100), (1, 120, 2, 100), (2, 122, 2, 100), (14, 104, 1, 100), (15, 130, 1, 125))
    assert cost(seen, at=1.5, until=60) == Cost(before=120, lost=22, still=12.5, pause=12, workers=1)


def test_a_resize_that_saved_first_costs_no_step() -> None:
    seen = looks((0, 110, 2, 100), (1, 120, 2, 100), (2, 122, 2, 100), (14, 126, 3, 123))
    assert cost(seen, at=1, until=60) == Cost(before=120, lost=0, still=13, pause=12, workers=3)


def test_what_does_not_stop_the_training_costs_nothing() -> None:
    seen = looks((0, 110, 2, 100), (1, 120, 2, 100), (2, 130, 2, 125), (3, 140, 2, 125))
    assert cost(seen, at=0.5, until=3.5) == Cost(before=110, lost=0, still=None, pause=0, workers=2)


def test_what_comes_after_the_next_fault_is_not_counted() -> None:
    seen = looks((0, 110, 2, 100), (1, 112, 2, 100), (2, 114, 2, 100), (9, 102, 1, 100))
    assert cost(seen, at=0.5, until=4) == Cost(before=110, lost=0, still=None, pause=0, workers=2)


def test_a_fault_that_had_stopped_the_training_before_the_next_one_came_is_the_one_that_counts() -> None:
    seen = looks((0, 110, 2, 100), (1, 112, 2, 100), (2, 114, 2, 100), (9, 102, 1, 100))
    assert cost(seen, at=1.5, until=7) == Cost(before=112, lost=14, still=7.5, pause=7, workers=1)


def test_a_fault_that_meets_a_run_that_is_not_back_costs_time_and_no_steps() -> None:
    seen = looks((0, 110, 2, 100), (1, 112, 2, 100), (30, 101, 2, 100))
    assert cost(seen, at=0.5, until=20) == Cost(before=110, lost=12, still=29.5, pause=29, workers=2)
    assert cost(seen, at=20, until=60) == Cost(before=112, lost=0, still=10, pause=10, workers=2)


def test_a_run_that_does_not_come_back_stands_still_for_good() -> None:
    assert cost(looks((0, 110, 2, 100)), at=1, until=60) == Cost(before=110, lost=0, still=inf, pause=inf, workers=2)
