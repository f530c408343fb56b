"""Which charts a stage gets."""

from collections.abc import Mapping

from trainer.config import schema
from trainer.tracking.answers import Answers
from trainer.tracking.curves import charts
from trainer.tracking.stages import Stage


def stage(*metrics: str) -> Stage:
    return stage_of({step: dict.fromkeys(metrics, 0.5) for step in (10, 20)})


def stage_of(history: Mapping[int, Mapping[str, float]]) -> Stage:
    return Stage(schema.Pretrain(), history, result=None, answers=Answers(), files=())


def test_only_what_was_logged_is_drawn() -> None:
    titles = [chart.title for chart in charts(stage("train/span_loss", "train/grad_norm"), unigram_entropy=None)]
    assert titles == ["Loss of the answer’s start and end, nats", "Gradient norm"]


def test_training_and_held_out_loss_share_a_chart_with_the_unigram_entropy() -> None:
    [chart] = charts(stage("train/mlm_loss", "eval/mlm_loss"), unigram_entropy=6.25)
    assert all(text in chart.svg for text in ("train 0.5", "held out 0.5", "unigram entropy 6.25"))


def test_shares_are_drawn_as_percentages() -> None:
    [chart] = charts(stage("train/nsp_accuracy"), unigram_entropy=6.25)
    assert "train 50" in chart.svg
    assert "unigram" not in chart.svg
