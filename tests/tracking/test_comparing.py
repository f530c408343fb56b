"""Runs side by side."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.tracking.test_report import Page, history, result, run, write
from trainer.config import schema
from trainer.tracking.comparing import write_comparison


def made(folder: Path, loss: float, **settings: Any) -> tuple[schema.Run, str]:
    """A run that has pretrained, and its folder."""
    write(
        folder,
        {
            "pretrain/history.jsonl": history("train/mlm_loss"),
            "pretrain/result.json": result("pretrain", {"eval/mlm_loss": loss}),
        },
    )
    return run(**settings), str(folder)


def compared(tmp_path: Path, *runs: tuple[schema.Run, str]) -> Page:
    write_comparison(runs, str(tmp_path / "comparison.html"))
    return Page(html(tmp_path))


def html(tmp_path: Path) -> str:
    return (tmp_path / "comparison.html").read_text()


@pytest.fixture
def two(tmp_path: Path) -> Page:
    faster = {"max_length": 128, "optimizer": {"learning_rate": 3e-4}}
    return compared(
        tmp_path, made(tmp_path / "a", 2.5), made(tmp_path / "b", 2.25, name="faster", pretrain=faster, seed=7)
    )


def test_what_each_run_reached_stands_in_one_line(two: Page) -> None:
    assert "A quickstart" in two.text
    assert "B faster" in two.text
    assert "Held-out masked LM loss, nats 2.50 2.25" in two.text
    assert "Steps 900 900" in two.text


def test_only_the_settings_that_differ_are_listed(two: Page) -> None:
    settings = two.text.split("Settings that differ")[-1]
    assert "pretrain.0.optimizer.learning_rate 0.0001 0.0003" in settings
    assert "seed 0 7" in settings
    assert "max_length" not in settings
    assert "name" not in settings


def test_the_lines_of_all_runs_are_in_one_chart_each_in_its_colour(two: Page, tmp_path: Path) -> None:
    [chart] = re.findall(r"<svg.*?</svg>", html(tmp_path), re.DOTALL)
    assert re.findall(r'<g class="series-(\d)">', chart) == ["1", "2"]
    assert re.findall(r'class="label series-(\d)">(\w)', chart) == [("1", "A"), ("2", "B")]


def test_a_stage_that_one_run_lacks_is_told_of_the_other(tmp_path: Path) -> None:
    page = compared(tmp_path, made(tmp_path / "a", 2.5), (run(squad=[]), str(tmp_path / "nothing")))
    assert "Steps 900 –" in page.text
    assert "squad-v1.1" in page.text


def test_a_comparison_shows_no_credentials_and_lets_nothing_come_alive(tmp_path: Path) -> None:
    one, other = (
        made(tmp_path / name, 2.5, corpus={"sources": [{"path": f"s3://me:hunter2@bucket/<b>{name}"}]}) for name in "ab"
    )
    page = compared(tmp_path, one, other)
    assert "hunter2" not in html(tmp_path)
    assert "<b>" not in html(tmp_path)
    assert "s3://***@bucket/<b>a" in page.text


def test_runs_that_are_alike_differ_in_nothing(tmp_path: Path) -> None:
    page = compared(tmp_path, made(tmp_path / "a", 2.5), made(tmp_path / "b", 2.5))
    assert "None but their names and places." in page.text
