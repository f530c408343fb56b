"""W&B online: what arrives there, and what its server can do to a training: nothing.

The server is `wandb_server`'s; the rest is W&B's own, its process in Go included. Each training is a process, since
what is asked is how it ends.
"""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import wandb

from tests.tracking.training import IMPATIENT, own_environment, training
from tests.tracking.wandb_server import FAULTS, Artifact, Fault, WandbServer
from trainer.tracking.sync import sync

Recordings = Callable[[Path], list[Any]]
ID = "quickstart.phase-1"


def each_fault(*fast: Fault) -> list[Any]:
    """All of them, of which all but some are slow."""
    return [pytest.param(fault, marks=() if fault in fast else pytest.mark.slow) for fault in FAULTS]


@pytest.fixture
def server() -> Iterator[WandbServer]:
    with WandbServer().listening() as listening:
        yield listening
    wandb.teardown()  # it remembers the address


def synced(folder: Path, server: WandbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """`berth sync`, now that the server is well again."""
    server.fault = None
    for name, value in (own_environment(folder.parent) | server.environment | IMPATIENT).items():
        monkeypatch.setenv(name, value)
    list(sync(str(folder), ["phase-1"]))


def ended_well(process: subprocess.CompletedProcess[str], warning: str = "") -> None:
    """Exit code 0, and nothing on the terminal but one warning of ours, or none."""
    assert process.returncode == 0, process.stderr
    assert len(process.stderr.splitlines()) == bool(warning), process.stderr
    assert warning in process.stderr


def test_an_online_stage_arrives_as_it_was_logged(server: WandbServer, tmp_path: Path) -> None:
    process = training(
        tmp_path / "run",
        "stage = tracker(corpus=CORPUS, restarted='worker 1 failed')",
        "train(stage, (10, 20, 30))",
        "stage.log({'eval/mlm_loss': 2.5}, 30)",
        "stage.finish({'squad/f1': 80.0}, Outcome(MODEL))",
        server=server,
    )
    ended_well(process)
    [(run_id, run)] = server.runs.items()
    assert run_id == ID
    expected = {
        "project": "harbour",
        "groupName": "quickstart",
        "jobType": "pretrain",
        "displayName": "quickstart/phase-1",
    }
    assert expected.items() <= run.names.items()
    assert (run.config["storage"], run.config["pretrain"]) == ("s3://***@bucket/runs", [{"max_steps": 30}])
    rows = [
        {name: value for name, value in row.items() if name in ("_step", "train/step", "train/loss")}
        for row in run.history
    ]
    assert rows == [{"_step": step, "train/step": step, "train/loss": 1 / step} for step in (10, 20, 30)]
    assert run.history[-1]["eval/mlm_loss"] == 2.5
    assert (run.summary["squad/f1"], run.summary["eval/mlm_loss"]) == (80.0, {"min": 2.5, "last": 2.5})
    assert run.alerts == [("restarted", "worker 1 failed", "WARN"), ("finished", "squad/f1 80", "INFO")]
    assert run.exit_codes == [0]
    assert sorted(server.artifacts, key=lambda each: each.kind) == [
        Artifact(
            "dataset",
            "quickstart.corpus",
            {"tokens": 7},
            {"train-00000.arrow": "gs://bucket/corpus/train-00000.arrow"},
            committed=True,
        ),
        Artifact("model", ID, {"steps": 30}, {"config.json": "s3://bucket/model/config.json"}, committed=True),
    ]


def test_a_run_that_ends_for_good_alerts_and_keeps_what_was_logged(server: WandbServer, tmp_path: Path) -> None:
    lines = ["stage = tracker()", "train(stage, (10, 20))", "stage.finish({})"]
    ended_well(training(tmp_path / "run", *lines, server=server))
    ended_well(
        training(tmp_path / "run", "tracker(config={}, falls_back=False).fail('the deadline is over')", server=server)
    )
    run = server.runs[ID]
    assert run.alerts == [("failed", "the deadline is over", "ERROR")]
    assert (run.state, run.exit_codes) == ("failed", [0, 1])
    assert [row["train/step"] for row in run.history] == [10, 20]
    assert run.config["pretrain"] == [{"max_steps": 30}]
    assert run.summary["train/loss"] == 1 / 20


@pytest.mark.parametrize("fault", each_fault("401"))
def test_a_run_that_ends_for_good_leaves_no_record_where_the_server_fails(
    fault: Fault, server: WandbServer, tmp_path: Path, recordings: Recordings
) -> None:
    server.fault = fault
    line = "tracker(config={}, falls_back=False, init_timeout=1).fail('a disk is full')"
    ended_well(training(tmp_path / "run", line, server=server), "nothing is recorded there")
    assert recordings(tmp_path / "run" / "phase-1") == []


@pytest.mark.slow
def test_a_restarted_online_stage_counts_no_step_twice(server: WandbServer, tmp_path: Path) -> None:
    for steps in ((10, 20, 30), (20, 30, 40)):  # the checkpoint is one of step 10
        ended_well(
            training(tmp_path / "run", "stage = tracker()", f"train(stage, {steps})", "stage.finish({})", server=server)
        )
    assert [row["train/step"] for row in server.runs[ID].history] == [10, 20, 30, 40]
    assert server.runs[ID].exit_codes == [0, 0]


@pytest.mark.parametrize("fault", each_fault("401", "hang"))
def test_a_server_that_fails_from_the_start_leaves_an_offline_record(
    fault: Fault, server: WandbServer, tmp_path: Path, recordings: Recordings
) -> None:
    server.fault = fault
    begin = time.monotonic()
    process = training(
        tmp_path / "run",
        "stage = tracker(init_timeout=1)",
        "train(stage, range(1, 101))",
        "stage.finish({'squad/f1': 80.0}, Outcome(MODEL))",
        server=server,
    )
    ended_well(process, "W&B is not online")
    assert time.monotonic() - begin < 30
    [recorded] = recordings(tmp_path / "run" / "phase-1")
    assert [row["train/step"] for row in recorded.history] == [*range(1, 101)]
    assert recorded.exit_code == 0


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_fails_over_the_corpus_ends_no_record(
    fault: Fault, server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.fault, server.after = fault, 2  # the run is made
    process = training(
        tmp_path / "run",
        "stage = tracker(corpus=CORPUS, finish_timeout=1)",
        "train(stage, range(1, 101))",
        "stage.finish({})",
        server=server,
        WANDB_HTTP_TIMEOUT="2",
    )
    assert process.returncode == 0
    assert "W&B takes no note of quickstart.corpus" in process.stderr
    synced(tmp_path / "run", server, monkeypatch)
    assert [row["train/step"] for row in server.runs[ID].history] == [*range(1, 101)]


@pytest.mark.parametrize("moment", ["training", "finishing"])
@pytest.mark.parametrize("fault", each_fault())
def test_a_server_that_fails_later_holds_nothing_up_and_costs_no_step(
    fault: Fault, moment: str, server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = training(
        tmp_path / "run",
        "stage = tracker(finish_timeout=1)",
        "train(stage, range(1, 101)); time.sleep(1)",  # some of it is sent
        f"misbehave({fault!r}) if {moment!r} == 'training' else None",
        "print(train(stage, range(101, 1101)))",
        f"misbehave({fault!r})",
        "begin = time.monotonic(); stage.finish({'squad/f1': 80.0}); print(time.monotonic() - begin)",
        server=server,
    )
    assert process.returncode == 0, process.stderr
    assert len(process.stderr.splitlines()) <= 1, process.stderr
    logging, finishing = map(float, process.stdout.split())
    assert logging < 10
    assert finishing < 1 + 5 + 5 + 5  # the limit, W&B's grace, the time for the disk, a busy machine
    synced(tmp_path / "run", server, monkeypatch)
    assert [row["train/step"] for row in server.runs[ID].history] == [*range(1, 1101)]
    assert server.runs[ID].summary["squad/f1"] == 80.0


def test_a_server_that_hangs_at_the_end_is_given_up_and_what_it_lacks_is_sent_later(
    server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = training(
        tmp_path / "run",
        "stage = tracker(finish_timeout=1)",
        "misbehave('hang'); train(stage, range(1, 101))",
        "stage.finish({})",
        server=server,
    )
    ended_well(process, f"which ends no training; `berth sync` sends what lies in {tmp_path}/run/phase-1/wandb")
    assert server.runs[ID].history == []
    synced(tmp_path / "run", server, monkeypatch)
    assert [row["train/step"] for row in server.runs[ID].history] == [*range(1, 101)]


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_model_that_the_server_takes_no_note_of_costs_no_step(
    fault: Fault, server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = training(
        tmp_path / "run",
        "stage = tracker(finish_timeout=5)",
        "train(stage, range(1, 101))",
        f"misbehave({fault!r})",
        "stage.finish({'squad/f1': 80.0}, Outcome(MODEL))",
        server=server,
        WANDB_HTTP_TIMEOUT="2",
    )
    assert process.returncode == 0
    synced(tmp_path / "run", server, monkeypatch)
    assert [row["train/step"] for row in server.runs[ID].history] == [*range(1, 101)]


@pytest.mark.slow
def test_a_training_that_ends_by_an_error_does_not_wait_for_a_server_that_hangs(
    server: WandbServer, tmp_path: Path
) -> None:
    begin = time.monotonic()
    process = training(
        tmp_path / "run",
        "stage = tracker(restarted='worker 1 failed', finish_timeout=1)",
        "misbehave('hang'); train(stage, range(1, 101))",
        "raise SystemExit(7)",
        server=server,
    )
    assert (process.returncode, process.stderr) == (7, "")
    assert time.monotonic() - begin < 40


class BreakingServer(WandbServer):
    """One answer of it is of the wrong shape, over which wandb-core 0.31 breaks down (SIGSEGV)."""

    def operation(self, name: str, variables: dict[str, Any]) -> dict[str, Any]:
        return {} if name == "CreateRunFiles" else super().operation(name, variables)


def test_a_wandb_that_breaks_down_does_not_decide_how_the_training_ends(tmp_path: Path) -> None:
    with BreakingServer().listening() as server:
        process = training(
            tmp_path / "run",
            "stage = tracker()",
            "train(stage, (10, 20, 30))",
            "stage.finish({})",
            "print('trained')",
            server=server,
        )
    assert (process.returncode, process.stdout) == (0, "trained\n")
    assert "which ends no training" in process.stderr


@pytest.mark.parametrize(("mode", "kib"), [("offline", 64), pytest.param("online", 16, marks=pytest.mark.slow)])
def test_a_full_disk_costs_the_record_and_nothing_else(
    mode: str, kib: int, server: WandbServer, tmp_path: Path, small_disk: Callable[[int], Path]
) -> None:
    process = training(
        small_disk(kib) / "run",
        f"stage = tracker({mode!r})",
        "train(stage, range(1, 1001))",
        "stage.finish({'squad/f1': 80.0}, Outcome(MODEL))",
        "print('trained')",
        server=server,
        HOME=str(tmp_path),
        BERTH_CACHE=str(tmp_path / "cache"),
    )
    assert (process.returncode, process.stdout, process.stderr) == (0, "trained\n", "")
    if mode == "online":
        arrived = [row["train/step"] for row in server.runs[ID].history]
        assert len(arrived) >= 950, "W&B may lose the points that are on their way while the disk becomes full"
        assert arrived == sorted({*arrived})
