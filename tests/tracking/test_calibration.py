"""Probabilities held against what is right."""

import numpy as np
import pytest

from trainer.tracking.answers import Answer, Candidate
from trainer.tracking.calibration import Bin, calibration, diagram


def answers(*pairs: tuple[float, bool]) -> list[Answer]:
    return [
        Answer(
            id="",
            paragraph=0,
            question="",
            gold=(),
            prediction="it",
            exact=exact,
            f1=float(exact),
            n_best=(Candidate(text="other", probability=0.5), Candidate(text="it", probability=probability)),
        )
        for probability, exact in pairs
    ]


def test_the_error_is_the_weighted_distance_of_probability_and_accuracy() -> None:
    found = calibration(answers((0.85, True), (0.85, False), (0.15, False), (0.15, False)))
    assert found
    assert found.bins == (Bin(1, 2, 0.15, 0.0), Bin(8, 2, 0.85, 0.5))
    assert found.error == pytest.approx((2 * 0.15 + 2 * 0.35) / 4)
    assert found.surplus == pytest.approx(0.25)


def test_a_bin_holds_its_upper_end_and_the_first_one_zero() -> None:
    found = calibration(answers((0.0, False), (0.1, False), (0.5, True), (1.0, True)))
    assert found
    assert [(each.index, each.count) for each in found.bins] == [(0, 2), (4, 1), (9, 1)]


def test_probabilities_that_say_the_truth_have_a_small_error() -> None:
    draw = np.random.default_rng(0)
    probabilities = draw.random(20_000)
    right = draw.random(20_000) < probabilities
    found = calibration(answers(*zip(probabilities.tolist(), right.tolist(), strict=True)))
    assert found
    assert found.error < 0.01
    assert abs(found.surplus) < 0.01


def test_answers_without_probabilities_have_no_calibration() -> None:
    assert calibration([answers((0.5, True))[0].model_copy(update={"n_best": ()})]) is None


def test_the_diagram_gives_each_bin_its_bar_its_count_and_a_sentence() -> None:
    found = calibration(answers((0.85, True), (0.85, False), (0.15, False)))
    assert found
    svg = diagram("one", "Title", found)
    assert svg.count('class="share"') == 2
    assert "Probability 85 %: 50 % right of 2." in svg
