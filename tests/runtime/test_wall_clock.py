from datetime import timedelta

from trainer.runtime.wall_clock import Look, WallClock


def test_a_clock_that_only_goes_on_does_not_jump() -> None:
    times = iter([100.0, 160.2, 220.1])
    clock = WallClock(wall=times.__next__, steady=iter([0.0, 60.0, 120.0]).__next__)
    assert [clock.jump(), clock.jump()] == [timedelta(0)] * 2


def test_a_clock_that_is_set_jumps_once() -> None:
    times = iter([100.0, 3760.0, 3820.0, 220.0])
    clock = WallClock(wall=times.__next__, steady=iter([0.0, 60.0, 120.0, 180.0]).__next__)
    assert [clock.jump().total_seconds() for _ in range(3)] == [3600.0, 0.0, -3660.0]


def test_what_was_seen_on_another_machine_or_before_it_was_started_again_tells_nothing() -> None:
    clock = WallClock(Look(boot="another", ahead=0.0), wall=lambda: 3600.0, steady=lambda: 0.0)
    assert clock.jump() == timedelta(0)
