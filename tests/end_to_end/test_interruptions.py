"""A run's history does not show in its result."""

import json
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.clock import own_clock, set_clock
from tests.end_to_end.conftest import Start, new_folder
from tests.tracking.conftest import record_of
from tests.tracking.wandb_server import WandbServer

pytestmark = pytest.mark.timeout(900)  # six starts of Ray and of its workers, on a machine that may be busy

STAGES = ("pretrain", "squad")
README = Path(__file__).parents[2] / "README.md"


def checkpoint(folder: Path, stage: str, step: int) -> Path:
    return folder / "runs" / "tiny" / stage / "checkpoints" / f"step-{step:08d}" / "complete.json"


def last_checkpoint(folder: Path, stage: str) -> dict[str, str]:
    """The SHA-256 of weights and optimizer state after the stage's last step."""
    newest = max((folder / "runs" / "tiny" / stage / "checkpoints").iterdir())
    sums: dict[str, str] = json.loads((newest / "complete.json").read_text())["sha256"]
    return {name: sums[name] for name in ("model.safetensors", "optimizer.safetensors", "vocab.txt")}


def losses(folder: Path, stage: str) -> list[tuple[int, float]]:
    lines = (folder / "runs" / "tiny" / stage / "history.jsonl").read_text().splitlines()
    records: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return [(record["step"], record["train/loss"]) for record in records]


def recorded(folder: Path, stage: str) -> list[tuple[int, float]]:
    """What the newest of W&B's records has of the loss; the last part of its name is the time."""
    newest = max((folder / "runs" / "tiny" / stage / "wandb").glob("offline-run-*/run-*.wandb"))
    return [(row["train/step"], row["train/loss"]) for row in record_of(newest).history]


def assert_same_result(folder: Path, undisturbed: Path) -> None:
    for stage in STAGES:
        assert last_checkpoint(folder, stage) == last_checkpoint(undisturbed, stage)
        assert losses(folder, stage) == losses(undisturbed, stage) == recorded(folder, stage)


def test_a_worker_killed_in_pretraining_and_sigterm_in_squad_change_no_bit(
    berth: Start, undisturbed: Path, tmp_path: Path
) -> None:
    folder = new_folder(tmp_path / "disturbed")
    both = berth(folder, "run", "tiny.yaml").wait_for(checkpoint(folder, "pretrain", 25)).kill_a_worker()
    code, output = both.wait_for(checkpoint(folder, "squad", 25)).interrupt(signal.SIGTERM).wait()
    assert code == 130, output
    assert "the workers start again from the last checkpoint" in output
    assert output.splitlines()[-1] == "berth: stopped and saved; the same command continues"

    code, output = berth(folder, "run", "tiny.yaml").wait()
    assert code == 0, output
    assert output.splitlines()[-1] == "report: runs/tiny/report.html"
    assert_same_result(folder, undisturbed)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc: the clock of a run's processes is set by a library")
def test_a_clock_that_is_set_back_an_hour_changes_no_bit(
    berth: Start, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = new_folder(tmp_path / "disturbed")
    for name, value in own_clock(tmp_path).items():
        monkeypatch.setenv(name, value)
    run = berth(folder, "run", "tiny.yaml").wait_for(checkpoint(folder, "pretrain", 25))
    set_clock(tmp_path, -3600)
    again = run.kill_a_worker().wait_for(checkpoint(folder, "squad", 25))
    code, output = again.kill_a_worker().wait()
    assert code == 0, output
    for stage in STAGES:  # which of W&B's records is the newest, their names do not say now
        assert last_checkpoint(folder, stage) == last_checkpoint(undisturbed, stage)
        assert losses(folder, stage) == losses(undisturbed, stage)


@pytest.mark.slow
def test_ctrl_c_in_preparation_and_pretraining_and_a_worker_killed_in_squad_change_no_bit(
    berth: Start, undisturbed: Path, tmp_path: Path
) -> None:
    folder = new_folder(tmp_path / "disturbed")
    preparing = berth(folder, "run", "tiny.yaml").wait_for(folder / "runs" / "tiny" / "run.yaml")
    code, output = preparing.interrupt().wait()
    assert code == 130, output
    assert "the same command continues" in output

    pretraining = berth(folder, "run", "tiny.yaml").wait_for(checkpoint(folder, "pretrain", 25))
    code, output = pretraining.interrupt().wait()
    assert code == 130, output
    assert output.splitlines()[-1] == "berth: stopped and saved; the same command continues"

    finetuning = berth(folder, "run", "tiny.yaml").wait_for(checkpoint(folder, "squad", 25)).kill_a_worker()
    code, output = finetuning.wait()
    assert code == 0, output
    assert "the workers start again from the last checkpoint" in output
    assert_same_result(folder, undisturbed)


@pytest.mark.slow
def test_a_disk_that_fills_up_ends_the_run_and_keeps_the_last_checkpoint(
    berth: Start, tmp_path: Path, small_disk: Callable[[int], Path]
) -> None:
    folder, disk = new_folder(tmp_path / "folder"), small_disk(4096)
    settings = (f"storage={disk}", "checkpoint.every=5", "checkpoint.keep=1000")
    code, output = berth(folder, "run", "tiny.yaml", *settings).wait()
    assert code == 2, output
    assert output.splitlines()[-1].startswith(f"berth: {disk}/tiny/pretrain/")
    assert "cannot be written: no space left on device" in output
    assert "Traceback" not in output
    checkpoints = disk / "tiny" / "pretrain" / "checkpoints"
    assert len([step for step in checkpoints.iterdir() if (step / "complete.json").exists()]) > 0


@pytest.mark.slow
def test_a_deadline_saves_the_run_and_alerts_and_a_later_one_lets_it_go_on(
    berth: Start, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = new_folder(tmp_path / "late")
    with WandbServer().listening() as server, monkeypatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        late = ("limits.deadline_hours=0.005", "tracking.wandb=online")
        code, output = berth(folder, "run", "tiny.yaml", *late).wait()
    assert code == 124, output
    last = output.splitlines()[-1]
    assert last.startswith("berth: limits.deadline_hours: 0.005 hours are over and the run is saved")
    [run] = [run for run in server.runs.values() if run.alerts]
    assert (run.state, run.alerts) == ("failed", [("failed", last.removeprefix("berth: "), "ERROR")])
    code, output = berth(folder, "run", "tiny.yaml").wait()
    assert code == 0, output
    assert_same_result(folder, undisturbed)


def test_a_finished_run_is_not_run_again(berth: Start, undisturbed: Path) -> None:
    results = [undisturbed / "runs" / "tiny" / stage / "result.json" for stage in STAGES]
    before = [result.stat().st_mtime_ns for result in results]
    code, output = berth(undisturbed, "run", "tiny.yaml").wait()
    assert code == 0, output
    assert "ETA" not in output
    assert [result.stat().st_mtime_ns for result in results] == before


def test_a_run_leaves_what_readme_draws_and_nothing_else(undisturbed: Path) -> None:
    [drawn] = re.findall(r"^runs/my-run/\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)
    names = set(re.findall(r"[\w.-]+", drawn)) | {"squad", "world"}  # a stage of ours, the invented text
    folder = undisturbed / "runs" / "tiny"
    stages = [path for stage in STAGES for path in (folder / stage).iterdir()]
    assert {path.name for path in [*folder.iterdir(), *stages]} - names == set()


@pytest.mark.slow
def test_the_number_of_workers_changes_the_curve_by_rounding_alone(berth: Start, tmp_path: Path) -> None:
    curves = []
    for workers in (1, 2):
        folder = new_folder(tmp_path / f"workers-{workers}")
        settings = ("pretrain.max_steps=30", "pretrain.precision=fp32", "squad=null")
        no_dropout = ("model.hidden_dropout_prob=0", "model.attention_probs_dropout_prob=0")
        count = f"scaling.num_workers=[1, {workers}]"
        code, output = berth(folder, "run", "tiny.yaml", count, *settings, *no_dropout).wait()
        assert code == 0, output
        curves.append(losses(folder, "pretrain"))
    for (step, one), (same_step, two) in zip(*curves, strict=True):
        assert step == same_step
        assert one == pytest.approx(two, rel=1e-4)
