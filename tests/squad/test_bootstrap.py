import numpy as np
import pytest

from trainer.squad.bootstrap import intervals

RNG = np.random.default_rng(1)


def test_the_interval_is_that_of_the_normal_law_for_a_mean_of_many() -> None:
    scores = (RNG.random(2000) < 0.8).astype(float)
    (interval,) = intervals(scores[None])
    error = 1.96 * scores.std() / np.sqrt(len(scores))
    assert interval.low == pytest.approx(scores.mean() - error, abs=0.1 * error)
    assert interval.high == pytest.approx(scores.mean() + error, abs=0.1 * error)


def test_the_mean_of_other_questions_falls_into_it_as_often_as_it_says() -> None:
    draws = [RNG.beta(4, 1, size=300) for _ in range(200)]
    inside = [interval.low <= 0.8 <= interval.high for draw in draws for interval in intervals(draw[None])]
    assert 0.91 <= np.mean(inside) <= 0.99


def test_rows_are_drawn_alike_and_again_alike() -> None:
    scores = RNG.random((1, 50))
    once = intervals(np.concatenate([scores, scores + 1]))
    assert once[1].low == pytest.approx(once[0].low + 1)
    assert once == intervals(np.concatenate([scores, scores + 1]))
