import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.config.schema import Schedule
from trainer.optim.schedules import multiplier

SCHEDULES = st.builds(
    Schedule,
    kind=st.sampled_from(["linear", "polynomial", "trapezoidal"]),
    warmup_ratio=st.floats(0, 1),
    power=st.floats(0.1, 4),
    cooldown_ratio=st.floats(0, 1),
    final_ratio=st.floats(0, 1),
)


def curve(schedule: Schedule, steps: int) -> list[float]:
    return [multiplier(schedule, step, steps) for step in range(steps)]


def test_linear_is_hugging_faces_linear_schedule_with_warmup() -> None:
    schedule = Schedule(kind="linear", warmup_ratio=0.2)

    assert curve(schedule, 10) == pytest.approx([1 / 2, 1, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8])


def test_linear_descends_to_mosaicberts_two_percent() -> None:
    schedule = Schedule(kind="linear", warmup_ratio=0.06, final_ratio=0.02)

    rates = [multiplier(schedule, step, 70_000) for step in (0, 4199, 4200, 37_100, 69_999)]
    assert rates == pytest.approx([1 / 4200, 1, 1, 0.51, 0.02 + 0.98 / 65_800])


def test_polynomial_at_one_half_is_nvidias_lamb_schedule() -> None:
    """Phase 1 of DeepLearningExamples: 7038 steps, 28.43 % of them warm-up, degree 0.5; the rate leaps at its end."""
    schedule = Schedule(kind="polynomial", warmup_ratio=0.2843, power=0.5)

    rates = [multiplier(schedule, step, 7038) for step in (0, 1000, 2000, 2001, 3519, 7037)]
    assert rates == pytest.approx([1 / 2001, 1001 / 2001, 1, 0.845983, 0.707107, 0.011920], rel=1e-4)


def test_polynomial_at_one_half_is_nemos_square_root_annealing() -> None:
    schedule = Schedule(kind="polynomial", warmup_ratio=0.01, power=0.5)

    rates = [multiplier(schedule, step, 100) for step in (0, 1, 36, 51, 75, 99)]
    assert rates == pytest.approx([1, 0.994987, 0.8, 0.7, 0.5, 0.1], rel=1e-6)


def test_polynomial_at_one_is_googles_bert_schedule() -> None:
    """create_optimizer: 1 M steps, 10 k of warm-up, polynomial_decay of the whole way."""
    schedule = Schedule(kind="polynomial", warmup_ratio=0.01)

    rates = [multiplier(schedule, step, 1_000_000) for step in (0, 9_999, 10_000, 500_000, 999_999)]
    assert rates == pytest.approx([1e-4, 1, 0.99, 0.5, 1e-6])


def test_trapezoidal_rises_stays_and_falls() -> None:
    schedule = Schedule(kind="trapezoidal", warmup_ratio=0.2, cooldown_ratio=0.4, final_ratio=0.1)

    assert curve(schedule, 10) == pytest.approx([0.5, 1, 1, 1, 1, 1, 1, 0.775, 0.55, 0.325])


@given(SCHEDULES, st.integers(1, 200))
def test_every_step_has_a_rate_between_zero_and_the_peak(schedule: Schedule, steps: int) -> None:
    assert all(0 < rate <= 1 for rate in curve(schedule, steps))


@given(SCHEDULES, st.integers(1, 200))
def test_the_rate_rises_through_the_warmup_and_falls_after_it(schedule: Schedule, steps: int) -> None:
    rates = curve(schedule, steps)
    warmup_steps = round(schedule.warmup_ratio * steps)

    assert rates[:warmup_steps] == sorted(rates[:warmup_steps])
    assert rates[warmup_steps:] == sorted(rates[warmup_steps:], reverse=True)
