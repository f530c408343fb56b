"""The plan of a run, by figures that are known from elsewhere."""

import io
import json

import pytest
from click.testing import CliRunner
from rich.console import Console

from trainer.cli.plan import plan as command
from trainer.compute import gpus
from trainer.config.load import load
from trainer.errors import ConfigError
from trainer.launch.plan import page, plan
from trainer.launch.plan.memory import GRADIENTS, WEIGHTS

CARD = load("bert-base-uncased")


def test_the_cards_run_needs_its_published_flop() -> None:
    """NeMo's steps and rate are those of 8 GPUs with 14 samples each, which makes 131 G tokens of 588 MFLOP."""
    found = plan.of(load("bert-base-uncased", ("pretrain.batch_size=112",)), plan.Question())

    assert sum(each.flop for each in found.work) == pytest.approx(7.7e19, rel=0.01)


def test_fewer_real_tokens_take_less_time_and_money() -> None:
    ask = {"groups": [gpus.group("h100:8")], "prices": {"h100": 2.5}, "grams_per_kwh": 300.0}
    full, half = (plan.of(CARD, plan.Question(**ask, real_share=share)).estimates[0] for share in (1.0, 0.5))

    assert full.hours == full.full_hours == half.full_hours
    assert half.hours < full.hours / 2  # attention shrinks with the square
    assert full.price == pytest.approx(full.hours * 8 * 2.5)
    assert full.carbon == pytest.approx(full.hours * 8 * 0.7 * 1.56 * 0.3)


def test_a_type_without_a_price_has_none() -> None:
    found = plan.of(CARD, plan.Question([gpus.group("a100:8")], prices={"h100": 2.5}))

    assert found.estimates[0].price is None


def test_more_fits_on_a_larger_gpu_and_the_next_sample_does_not() -> None:
    stage = CARD.pretrain[0]
    small, large = (plan.largest_micro_batch(CARD, 30_522, stage, gpus.group(name)) for name in ("l4", "h100"))

    assert 0 < small < large
    assert plan.fits(CARD, 30_522, stage, gpus.group("l4"), small)
    assert not plan.fits(CARD, 30_522, stage, gpus.group("l4"), small + 1)


def test_a_model_that_is_too_large_fits_nowhere() -> None:
    run = load("bert-base-uncased", ("model.num_hidden_layers=400",))

    assert plan.largest_micro_batch(run, 30_522, run.pretrain[0], gpus.group("l4")) == 0


def test_a_worker_of_many_keeps_its_gradients() -> None:
    """DDP's buckets stay; alone, a worker has none of them yet when activations are most."""
    many, alone = (
        plan.of(load("bert-base-uncased", (f"scaling.num_workers={count}",)), plan.Question()).memory[0].full
        for count in (8, 1)
    )

    assert many[GRADIENTS] == many[WEIGHTS] == alone[WEIGHTS]


def test_a_group_that_does_not_divide_the_batch_is_told() -> None:
    found = plan.of(CARD, plan.Question([gpus.group("a100:32")]))

    assert "squad-v1.1 cannot run on 32 x a100: its batch of 24 is no multiple of 32." in found.assumptions


def test_a_run_that_only_scores_has_no_plan() -> None:
    run = load("squad-v1.1", ("squad.0.train=[]",))

    with pytest.raises(ConfigError, match="no stage trains"):
        plan.of(run, plan.Question())


def test_the_page_tells_every_part() -> None:
    console = Console(width=160, file=io.StringIO(), record=True)
    for table in page.tables(plan.of(CARD, plan.Question([gpus.group("h100:8")]))):
        console.print(table)

    text = console.export_text()
    for part in ("109,514,298", "optimizer state", "8.82e+19", "checkpoints", "8 x h100", "bandwidth"):
        assert part in text


def test_json_is_the_plan() -> None:
    result = CliRunner().invoke(command, ["bert-base-uncased", "--gpus", "h100:8", "-o", "json"])

    assert result.exit_code == 0
    assert json.loads(result.output) == plan.of(CARD, plan.Question([gpus.group("h100:8")])).model_dump()
