from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from trainer.engine.state import MOST_POINTS, Record, thinned

LOG_EVERY, EVAL_EVERY = 10, 100


def curve(steps: int) -> list[Record]:
    """As the loop makes it, a point every 10 steps and, every 100, one with held-out figures."""
    history: list[Record] = []
    for step in range(LOG_EVERY, steps + 1, LOG_EVERY):
        held_out = {"eval/line_loss": 1.0} if step % EVAL_EVERY == 0 else {}
        history = thinned([*history, {"step": step, "train/loss": 0.5, **held_out}], LOG_EVERY, EVAL_EVERY)
    return history


def test_a_short_curve_keeps_every_point() -> None:
    assert len(curve(MOST_POINTS * LOG_EVERY)) == MOST_POINTS


def test_a_long_curve_is_thinned_evenly_from_its_beginning_to_its_end() -> None:
    steps = [int(point["step"]) for point in curve(5 * MOST_POINTS * LOG_EVERY)]
    gaps = {after - before for before, after in pairwise(steps)}
    assert len(steps) <= 2 * MOST_POINTS
    assert steps[0] <= 8 * LOG_EVERY
    assert max(gaps) <= 8 * LOG_EVERY
    assert steps[-1] == 5 * MOST_POINTS * LOG_EVERY


def test_held_out_figures_stay_longer_than_others() -> None:
    kept = {point["step"] for point in curve(5 * MOST_POINTS * LOG_EVERY) if "eval/line_loss" in point}
    assert kept == set(range(EVAL_EVERY, 5 * MOST_POINTS * LOG_EVERY + 1, EVAL_EVERY))


@given(st.integers(1, 10**8), st.integers(1, 1000), st.integers(1, 5000))
def test_no_curve_is_longer_than_that(step: int, log_every: int, eval_every: int) -> None:
    window = range(max(step - 50_000, 1), step)
    history: list[Record] = [{"step": at} for at in window if at % log_every == 0]
    ratio = max(step / 50_000, 1)
    assert len(thinned([*history, {"step": step}], log_every, eval_every)) <= 2 * MOST_POINTS / ratio + 3
