from collections import Counter
from itertools import pairwise

import pytest

from tests.chaos.schedule import CALM, Planned, parsed, schedule

FAULTS = ["kill worker", "cut Worker 20 s", "kill Master pod"]


def test_a_seed_gives_the_same_schedule_whatever_the_order_of_the_faults() -> None:
    assert schedule(7, 600, FAULTS) == schedule(7, 600, FAULTS[::-1]) != schedule(8, 600, FAULTS)


def test_each_fault_comes_before_one_comes_again() -> None:
    planned = schedule(3, 1800, FAULTS)
    for begin in range(0, len(planned) - 3, 3):
        assert Counter(each.fault for each in planned[begin : begin + 3]) == Counter(FAULTS)


def test_faults_come_in_order_and_within_the_time() -> None:
    moments = [each.at for each in schedule(5, 600, FAULTS)]
    assert moments == sorted(moments)
    assert 0 < moments[0] < moments[-1] < 600
    assert max(later - at for at, later in pairwise(moments)) <= CALM[1] + 0.1


def test_a_schedule_is_given_by_hand() -> None:
    assert parsed("20:kill worker,60.5: cut Worker 20 s") == [
        Planned(20, "kill worker"),
        Planned(60.5, "cut Worker 20 s"),
    ]
    with pytest.raises(ValueError, match="soon"):
        parsed("soon:kill worker")
