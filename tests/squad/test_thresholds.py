"""The curve holds what scoring at each threshold gives, and a tuned threshold is never worse than not answering."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.squad.answers import Predictions
from trainer.squad.examples import Answer, Dataset, Example
from trainer.squad.metrics import evaluate
from trainer.squad.thresholds import curve

SAID = ("red blue green", "blue", "red green", "black", "the")


def dataset(impossible: list[bool]) -> Dataset:
    """Questions "0", "1", ...: what can be answered is "red blue green"."""
    golds = [() if each else (Answer("red blue green", 0),) for each in impossible]
    return Dataset(True, [Example(str(n), "", "", "red blue green", gold) for n, gold in enumerate(golds)])


def predictions(said: list[str], odds: list[float]) -> Predictions:
    spans = {str(n): text for n, text in enumerate(said)}
    return Predictions(spans, {}, {str(n): value for n, value in enumerate(odds)}, spans)


QUESTIONS = st.lists(st.tuples(st.booleans(), st.sampled_from(SAID), st.integers(-4, 4)), min_size=1, max_size=12)


@given(QUESTIONS)
def test_each_row_is_what_scoring_the_answers_at_its_threshold_gives(questions: list[tuple[bool, str, int]]):
    impossible, said, odds = (list(column) for column in zip(*questions, strict=True))
    made, its = predictions(said, odds), dataset(impossible)
    found = curve(its, made.spans, made.null_odds)
    assert found.threshold.tolist()[1:] == sorted(set(odds))
    for row, threshold in enumerate(found.threshold.tolist()):
        figures = evaluate(its, made.at(threshold).answers)
        for name in found._fields[1:]:
            assert getattr(found, name)[row] == pytest.approx(figures.get(name, 0))


@given(QUESTIONS)
def test_the_best_rows_are_the_best_and_no_worse_than_the_official_search(questions: list[tuple[bool, str, int]]):
    impossible, said, odds = (list(column) for column in zip(*questions, strict=True))
    distinct = [value + index / 100 for index, value in enumerate(odds)]
    made, its = predictions(said, distinct), dataset(impossible)
    tables = curve(its, made.spans, made.null_odds).tables()
    always_null = 100 * sum(impossible) / len(impossible)
    assert tables["best_exact"]["exact"] >= always_null
    assert tables["best_f1"]["f1"] >= always_null
    if "the" not in said:  # the script counts it as no answer in one place, and not in another
        figures = evaluate(its, made.spans, made.null_odds)
        assert tables["best_exact"]["exact"] == pytest.approx(figures["best_exact"])
        assert tables["best_f1"]["f1"] == pytest.approx(figures["best_f1"])


def test_where_never_answering_is_best_the_threshold_is_below_all_odds():
    made = predictions(["black", "black", "blue"], [-3.0, -2.0, 5.0])
    tuned = curve(dataset([True, True, False]), made.spans, made.null_odds).best("best_exact")
    assert tuned["threshold"] == np.nextafter(-3.0, -np.inf)
    assert set(made.at(tuned["threshold"]).answers.values()) == {""}
    assert tuned["exact"] == tuned["NoAns_exact"] * 2 / 3 == pytest.approx(200 / 3)


def test_a_threshold_tuned_on_one_half_is_good_on_the_other():
    """Odds that tell the impossible apart, but for noise and at 3 in place of 0."""
    rng = np.random.default_rng(0)
    impossible = [index % 2 == 0 for index in range(400)]
    odds = [3 + (2 if each else -2) + rng.standard_normal() for each in impossible]
    made, its = predictions(["red blue green"] * 400, odds), dataset(impossible)
    halves = [Dataset(True, its.examples[:200]), Dataset(True, its.examples[200:])]
    threshold = curve(halves[0], made.spans, made.null_odds).best("best_f1")["threshold"]
    assert threshold == pytest.approx(3, abs=1)
    assert evaluate(halves[1], made.at(threshold).answers)["f1"] > 90
    assert evaluate(halves[1], made.at(0.0).answers)["f1"] < 60
