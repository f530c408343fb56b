"""Scores are the official ones, to the last digit."""

import gzip
import json
from pathlib import Path

import pytest

from trainer.squad.examples import Answer, Dataset, Example
from trainer.squad.metrics import Score, evaluate, normalize, score


def dataset(*golds: tuple[str, ...], version_2: bool = False) -> Dataset:
    """Questions "0", "1", ... with these gold answers."""
    return Dataset(
        version_2,
        [
            Example(str(index), "", "", " ".join(texts), tuple(Answer(text, 0) for text in texts))
            for index, texts in enumerate(golds)
        ],
    )


@pytest.mark.parametrize(
    ("predictions", "official", "tolerance"),
    [
        (
            "bert-ensemble",
            {"exact": 86.20624408703878, "f1": 92.19557978351145, "total": 10_570, "missing": 0, "foreign": 0},
            1e-10,
        ),
        (
            "logistic-regression",  # published to five digits
            {"exact": 40.14191, "f1": 50.98154, "total": 10_570, "missing": 13, "foreign": 28},
            5e-6,
        ),
    ],
)
def test_published_predictions_get_their_official_scores(
    dev: Dataset, shared_data: Path, predictions: str, official: dict[str, float], tolerance: float
):
    path = shared_data / "squad" / f"predictions-v1.1-{predictions}.json.gz"
    figures = evaluate(dev, json.loads(gzip.decompress(path.read_bytes())))
    assert figures == pytest.approx(official, abs=tolerance, rel=0)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The Eiffel Tower.", "eiffel tower"),
        ("  an  apple a day ", "apple day"),
        ("theatre", "theatre"),
        ("U.S.-based", "usbased"),
        ("«Élan»", "«élan»"),  # only ASCII punctuation goes
        ("The", ""),
    ],
)
def test_case_punctuation_articles_and_spaces_do_not_count(text: str, normal: str):
    assert normalize(text) == normal


def test_f1_is_the_overlap_of_words_counted_as_often_as_they_occur():
    # 2 of 3 words predicted, 2 of 4 gold words found: precision 2/3, recall 1/2.
    assert score(dataset(("red red blue green",)), {"0": "red red red"})["0"] == (0, pytest.approx(4 / 7))


def test_the_best_gold_answer_counts():
    figures = evaluate(dataset(("in Oslo", "Oslo")), {"0": "oslo!"})
    assert (figures["exact"], figures["f1"]) == (100, 100)


def test_missing_predictions_score_zero_and_foreign_ones_are_left_out_and_both_are_counted():
    figures = evaluate(dataset(("Oslo",), ("Bergen",)), {"0": "Oslo", "elsewhere": "Bergen"})
    assert figures == {"exact": 50, "f1": 50, "total": 2, "missing": 1, "foreign": 1}


def test_a_gold_answer_of_nothing_but_an_article_counts_in_v1_only():
    assert score(dataset(("The",)), {"0": "a"})["0"] == Score(1, 0)
    assert score(dataset(("The", "Oslo"), version_2=True), {"0": "a"})["0"] == Score(0, 0)
    assert score(dataset(("The",), version_2=True), {"0": "a"})["0"] == Score(1, 1)


def test_version_2_tells_answerable_and_impossible_questions_apart():
    figures = evaluate(
        dataset(("Oslo",), ("Bergen",), (), (), (), version_2=True),
        dict(zip("01234", ("Oslo", "", "", "x", "y"), strict=True)),
    )
    assert figures == {
        "exact": 40, "f1": 40, "total": 5,
        "HasAns_exact": 50, "HasAns_f1": 50, "HasAns_total": 2,
        "NoAns_exact": pytest.approx(100 / 3), "NoAns_f1": pytest.approx(100 / 3), "NoAns_total": 3,
        "missing": 0, "foreign": 0,
    }  # fmt: skip


def test_the_best_threshold_is_the_odds_of_the_last_question_that_is_better_answered():
    questions = dataset(("Oslo",), ("red blue",), (), version_2=True)
    answers = {"0": "Oslo", "1": "red", "2": "x"}
    figures = evaluate(questions, answers, {"0": -4.0, "1": -1.5, "2": 3.0, "elsewhere": -9.0})
    # Odds up to -4: Oslo right, the impossible one "". Up to -1.5 adds F1 2/3 and no exact match.
    assert (figures["best_exact"], figures["best_exact_thresh"]) == (pytest.approx(200 / 3), -4.0)
    assert (figures["best_f1"], figures["best_f1_thresh"]) == (pytest.approx(800 / 9), -1.5)


def test_the_threshold_is_zero_where_never_answering_is_best():
    figures = evaluate(dataset(("Oslo",), (), version_2=True), {"0": "x", "1": "y"}, {"0": 1.0, "1": 0.5})
    assert (figures["best_exact"], figures["best_exact_thresh"]) == (50, 0)


def test_precision_is_averaged_over_what_each_higher_threshold_recalls():
    questions = dataset(("Oslo",), ("Bergen",), (), ("red blue",), version_2=True)
    answers = {"0": "Oslo", "1": "x", "2": "y", "3": "red"}
    figures = evaluate(questions, answers, {"0": -4.0, "1": 2.0, "3": -1.0, "2": -1.0})
    # Answered up to -4: 1 of 1 right, recall 1/3. Up to -1: 1 of 3, and F1 5/3 of 3, recall 5/9. Up to 2: none more.
    assert figures["pr_exact_ap"] == pytest.approx(100 / 3)
    assert figures["pr_f1_ap"] == pytest.approx(100 * (1 / 3 + 5 / 9 * 2 / 9))
    # As if all were right: 1 of 1, 2 of 3, 3 of 4.
    assert figures["pr_oracle_ap"] == pytest.approx(100 / 3 * (1 + 2 / 3 + 3 / 4))


def test_ids_without_a_prediction_or_a_question_leave_the_figures_of_thresholds_whole():
    questions = dataset(("Oslo",), (), ("Bergen",), version_2=True)
    figures = evaluate(questions, {"0": "Oslo", "1": "x", "else": "y"}, {"0": -1.0, "1": 1.0, "else": -9.0, "2": -9.0})
    assert figures["best_exact"] == pytest.approx(200 / 3)
    assert figures["pr_exact_ap"] == pytest.approx(100 * 1 / 2 * 1 / 2)
    assert (figures["missing"], figures["foreign"]) == (1, 1)


def test_the_search_finds_what_trying_every_threshold_finds():
    golds = [("red blue green",) if index % 3 else () for index in range(90)]
    questions = dataset(*golds, version_2=True)
    said = ("red blue green", "blue", "red green", "black")
    answers = {str(index): said[index * 7 % 4] for index in range(90)}
    odds = {str(index): index * 37 % 90 - (40.5 if golds[index] else 0) for index in range(90)}

    def at(threshold: float) -> dict[str, float]:
        return evaluate(questions, {id: "" if odds[id] > threshold else answers[id] for id in odds})

    figures = evaluate(questions, answers, odds)
    for name in ("exact", "f1"):
        best = max(at(threshold)[name] for threshold in (-100.0, *odds.values()))
        assert best > at(-100.0)[name]
        assert figures[f"best_{name}"] == pytest.approx(best)
        assert at(figures[f"best_{name}_thresh"])[name] == pytest.approx(best)
