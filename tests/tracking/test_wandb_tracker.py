"""W&B: what stands in its records, and that it can never stop a training."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import wandb

from tests.ports import free_port
from trainer.config import schema
from trainer.tracking.answers import Answer, Answers, Gold, Paragraph
from trainer.tracking.tracker import Outcome, Reference
from trainer.tracking.wandb_tracker import WandbTracker, run_id

Recordings = Callable[[Path], list[Any]]
CONFIG = {"storage": "s3://key:hunter2@bucket/runs", "pretrain": [{"max_steps": 30}]}


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No key of the person who runs the tests, nothing left in their home, no W&B service from one test to the next."""
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    yield
    wandb.teardown()


def tracker(folder: Path, mode: str = "offline", **overrides: Any) -> WandbTracker:
    settings = schema.Tracking.model_validate({"wandb": mode, "project": "harbour"})
    names: dict[str, Any] = {"run_name": "quickstart", "stage": "phase-1", "kind": "pretrain", "config": CONFIG}
    return WandbTracker(settings, folder=folder, **(names | overrides))


def trained(tracker: WandbTracker) -> None:
    for step in (10, 20, 30):
        tracker.log({"step": step, "seconds": step / 10, "train/loss": 1 / step}, step)
    tracker.log({"eval/mlm_loss": 2.5}, 30)
    tracker.finish({"eval/mlm_loss": 2.5, "squad/f1": 80.0})


def answers(count: int) -> Answers:
    given = (
        Answer(
            id=str(number),
            paragraph=0,
            question=f"Which town is number {number}?",
            gold=(Gold(text="Orvale", start=0),),
            prediction="Orvale",
            exact=True,
            f1=1.0,
        )
        for number in range(count)
    )
    return Answers(paragraphs=(Paragraph(title="Orvale", context="Orvale lies by the sea."),), answers=tuple(given))


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What we said ourselves."""
    return [record.getMessage() for record in caplog.records if record.name.startswith("trainer")]


def in_a_process_of_its_own(folder: Path, *lines: str, **environment: str) -> subprocess.CompletedProcess[str]:
    script = (
        "from pathlib import Path; from trainer.config.operation import Tracking",
        "from trainer.tracking.wandb_tracker import WandbTracker",
        f"names = dict(run_name='a', stage='b', kind='pretrain', config={{}}, folder=Path({str(folder)!r}))",
        *lines,
    )
    return subprocess.run(
        [sys.executable, "-c", "\n".join(script)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def test_a_stage_is_one_wandb_run_in_the_group_of_its_berth_run(tmp_path: Path, recordings: Recordings) -> None:
    trained(tracker(tmp_path))
    [recorded] = recordings(tmp_path)
    assert (recorded.run.project, recorded.run.run_group) == ("harbour", "quickstart")
    assert (recorded.run.run_id, recorded.run.display_name) == ("quickstart.phase-1", "quickstart/phase-1")
    assert recorded.run.job_type == "pretrain"
    assert recorded.exit_code == 0


def test_history_and_summary_read_back_as_they_were_logged(tmp_path: Path, recordings: Recordings) -> None:
    trained(tracker(tmp_path))
    [recorded] = recordings(tmp_path)
    rows = [{name: value for name, value in row.items() if not name.startswith("_")} for row in recorded.history]
    assert rows == [
        {"train/step": 10, "seconds": 1.0, "train/loss": 0.1},
        {"train/step": 20, "seconds": 2.0, "train/loss": 0.05},
        {"train/step": 30, "seconds": 3.0, "train/loss": 1 / 30, "eval/mlm_loss": 2.5},
    ]
    assert [row["_step"] for row in recorded.history] == [10, 20, 30]
    assert recorded.summary["eval/mlm_loss"] == {"min": 2.5, "last": 2.5}
    assert recorded.summary["squad/f1"] == 80.0


def test_wandb_s_own_reader_shows_the_record(tmp_path: Path) -> None:
    trained(tracker(tmp_path))
    [record] = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--summary", "--json", str(record)]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout)
    assert (told["name"], told["step"], told["state"]) == ("quickstart/phase-1", 30, "finished")
    assert told["summary"]["train/loss"] == 1 / 30


def test_the_summary_has_the_best_value_beside_the_last(tmp_path: Path, recordings: Recordings) -> None:
    stage = tracker(tmp_path)
    for step, loss, f1 in ((10, 3.0, 60.0), (20, 2.0, 70.0), (30, 2.5, 65.0)):
        stage.log({"eval/mlm_loss": loss, "eval/f1": f1}, step)
    stage.finish({})
    [recorded] = recordings(tmp_path)
    assert recorded.summary["eval/mlm_loss"] == {"min": 2.0, "last": 2.5}
    assert recorded.summary["eval/f1"] == {"max": 70.0, "last": 65.0}


def test_who_watches_is_told_of_a_rollback_and_of_the_end(tmp_path: Path, recordings: Recordings) -> None:
    stage = tracker(tmp_path)
    for step, rollbacks in ((10, 1), (20, 1), (30, 2)):  # the first one was told of before the stage was restarted
        stage.log({"train/loss": 1.0, "train/rollbacks": rollbacks}, step)
    stage.finish({"squad/f1": 80.0})
    [recorded] = recordings(tmp_path)
    assert [(alert.title, alert.level) for alert in recorded.alerts] == [("diverged", "WARN"), ("finished", "INFO")]
    assert "before step 30" in recorded.alerts[0].text
    assert recorded.alerts[1].text == "squad/f1 80"


def test_a_stage_that_makes_way_for_another_group_alarms_nobody(tmp_path: Path, recordings: Recordings) -> None:
    tracker(tmp_path).finish({})
    assert recordings(tmp_path)[0].alerts == []


def test_who_watches_is_told_why_the_workers_started_again(tmp_path: Path, recordings: Recordings) -> None:
    tracker(tmp_path, restarted="worker 1 failed (killed)").finish({})
    [recorded] = recordings(tmp_path)
    assert [(alert.title, alert.text) for alert in recorded.alerts] == [("restarted", "worker 1 failed (killed)")]


def test_corpus_and_model_are_artifacts_that_say_where_their_files_lie(tmp_path: Path, recordings: Recordings) -> None:
    corpus = Reference("quickstart.corpus", "dataset", "gs://bucket/corpus", ("train-00000.arrow",), {"tokens": 7})
    model = Reference("quickstart.phase-1", "model", "s3://key:hunter2@bucket/model", ("config.json",), {"steps": 30})
    tracker(tmp_path, corpus=corpus).finish({"eval/mlm_loss": 2.5}, Outcome(model))
    [recorded] = recordings(tmp_path)
    told = [
        (each.type, each.name, {entry.path: entry.ref for entry in each.manifest.contents}, json.loads(each.metadata))
        for each in recorded.artifacts
    ]
    assert told == [
        ("dataset", "quickstart.corpus", {"train-00000.arrow": "gs://bucket/corpus/train-00000.arrow"}, {"tokens": 7}),
        ("model", "quickstart.phase-1", {"config.json": "s3://***@bucket/model/config.json"}, {"steps": 30}),
    ]


def test_files_on_a_local_disk_are_referred_to_and_not_read(tmp_path: Path, recordings: Recordings) -> None:
    model = Reference("quickstart.phase-1", "model", "/nowhere/model", ("model.safetensors",), {})
    tracker(tmp_path).finish({}, Outcome(model))
    [entry] = recordings(tmp_path)[0].artifacts[0].manifest.contents
    assert (entry.ref, entry.local_path) == ("file:///nowhere/model/model.safetensors", "")


def test_some_answers_are_a_table_of_the_summary(tmp_path: Path, recordings: Recordings) -> None:
    model = Reference("quickstart.squad", "model", "/nowhere", (), {})
    tracker(tmp_path).finish({"squad/f1": 80.0}, Outcome(model, answers(250)))
    summary = recordings(tmp_path)[0].summary["answers"]
    assert (summary["_type"], summary["nrows"]) == ("table-file", 84)
    [file] = tmp_path.glob(f"wandb/offline-run-*/files/{summary['path']}")
    table = json.loads(file.read_text())
    assert table["columns"][:5] == ["question", "expected", "answered", "exact", "F1"]
    assert len({row[0] for row in table["data"]}) == 84


def test_every_curve_is_drawn_over_the_training_step(tmp_path: Path, recordings: Recordings) -> None:
    trained(tracker(tmp_path))
    [recorded] = recordings(tmp_path)
    assert {metric.step_metric for metric in recorded.metrics if metric.glob_name == "*"} == {"train/step"}


def test_the_config_is_recorded_without_its_credentials(tmp_path: Path, recordings: Recordings) -> None:
    trained(tracker(tmp_path))
    [recorded] = recordings(tmp_path)
    assert recorded.config["pretrain"] == [{"max_steps": 30}]
    assert recorded.config["storage"] == "s3://***@bucket/runs"
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"hunter2" not in written


def test_a_restarted_stage_goes_on_under_the_same_id(tmp_path: Path, recordings: Recordings) -> None:
    for _ in range(2):
        trained(tracker(tmp_path))
    assert [recorded.run.run_id for recorded in recordings(tmp_path)] == ["quickstart.phase-1"] * 2


def test_the_newest_record_of_a_restarted_stage_has_its_whole_curve(tmp_path: Path, recordings: Recordings) -> None:
    first = tracker(tmp_path)
    for step in (10, 20, 30):  # and then its pod was killed, after a checkpoint of step 25
        first.log({"step": step, "train/loss": 1 / step}, step)
    history = [{"step": step, "train/loss": 1 / step} for step in (10, 20)]
    trained(tracker(tmp_path, history=history))
    newest = recordings(tmp_path)[-1]
    assert [row["_step"] for row in newest.history] == [row["train/step"] for row in newest.history] == [10, 20, 30]
    assert [row["train/loss"] for row in newest.history] == [1 / 10, 1 / 20, 1 / 30]


def test_no_two_stages_share_an_id() -> None:
    assert run_id("a-b", "c") != run_id("a", "b.c") != run_id("a", "b-c")
    assert run_id("quickstart", "squad-v1.1") == "quickstart.squad-v1.1"


def test_two_stages_in_one_process_are_two_wandb_runs(tmp_path: Path, recordings: Recordings) -> None:
    trained(tracker(tmp_path))
    trained(tracker(tmp_path, stage="squad-v1.1", kind="squad"))
    recorded = {each.run.run_id: (each.run.job_type, len(each.history)) for each in recordings(tmp_path)}
    assert recorded == {"quickstart.phase-1": ("pretrain", 3), "quickstart.squad-v1.1": ("squad", 3)}


def test_disabled_creates_nothing(tmp_path: Path) -> None:
    trained(tracker(tmp_path / "stage", "disabled"))
    assert not (tmp_path / "stage").exists()


def test_the_setting_of_the_run_is_stronger_than_the_environment(
    tmp_path: Path, recordings: Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    trained(tracker(tmp_path))
    assert len(recordings(tmp_path)) == 1


def test_without_a_key_online_records_offline_and_says_so_once(
    tmp_path: Path, recordings: Recordings, caplog: pytest.LogCaptureFixture
) -> None:
    trained(tracker(tmp_path, "online"))
    [warning] = warnings(caplog)
    assert "no API key" in warning
    assert "wandb sync" in warning
    assert len(recordings(tmp_path)[0].history) == 3


def test_an_unreachable_server_leaves_an_offline_record_and_a_clean_exit(
    tmp_path: Path, recordings: Recordings
) -> None:
    process = in_a_process_of_its_own(
        tmp_path,
        "WandbTracker(Tracking(wandb='online'), **names, init_timeout=1).log({'train/loss': 1.0}, 10)",
        WANDB_BASE_URL=f"http://127.0.0.1:{free_port()}",
        WANDB_API_KEY="0" * 40,
    )
    assert (process.returncode, process.stdout) == (0, "")
    [warning] = process.stderr.splitlines()
    assert warning.startswith("W&B is not online")
    assert [row["train/loss"] for row in recordings(tmp_path)[0].history] == [1.0]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds W&B's process in Linux's /proc")
def test_a_wandb_that_dies_does_not_take_the_training_with_it(tmp_path: Path) -> None:
    process = in_a_process_of_its_own(
        tmp_path,
        "import os; tracker = WandbTracker(Tracking(), **names)",
        "for listing in Path('/proc/self/task').glob('*/children'):",
        "    [os.kill(int(child), 9) for child in listing.read_text().split()]",
        "for step in range(1000): tracker.log({'train/loss': 1.0}, step)",
        "tracker.finish({'train/loss': 1.0}); print('trained')",
    )
    assert (process.returncode, process.stdout) == (0, "trained\n")
    [warning] = process.stderr.splitlines()
    assert "which ends no training" in warning


def test_a_folder_that_cannot_be_written_costs_the_curve_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    trained(tracker(tmp_path / "file"))
    assert len(warnings(caplog)) == 1
