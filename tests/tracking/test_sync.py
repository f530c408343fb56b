"""`berth sync`: what was recorded arrives at W&B once, whatever the server did at the first attempt.

The records are those of real trackers, `wandb sync` is W&B's own, the server is `wandb_server`'s.
"""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import wandb

from tests.tracking.training import IMPATIENT, own_environment, training
from tests.tracking.wandb_server import FAULTS, Fault, WandbServer
from trainer import storage
from trainer.errors import ConfigError, InputError
from trainer.tracking.recordings import recordings
from trainer.tracking.sync import sync
from trainer.tracking.transaction_log import TransactionLog

STAGES = ["pretrain", "squad-v1.1"]
PRETRAIN, SQUAD = (f"quickstart.{stage}" for stage in STAGES)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with two stages, of which one went back from step 30 to the checkpoint of step 10."""
    folder = tmp_path_factory.mktemp("recorded") / "quickstart"
    process = training(
        folder,
        "stage = tracker('offline', 'pretrain')",
        "train(stage, (10, 20, 30)); stage.finish({}); time.sleep(1.1)",  # folders of W&B are named for the second
        "stage = tracker('offline', 'pretrain', restarted='worker 1 failed')",
        "train(stage, (20, 30, 40)); stage.finish({'eval/mlm_loss': 2.5}, Outcome(MODEL))",
        "from trainer.tracking.answers import Answer, Answers, Gold, Paragraph",
        "gold = (Gold(text='Orvale', start=0),)",
        "answer = Answer(id='1', paragraph=0, question='?', gold=gold, prediction='Orvale', exact=True, f1=1.0)",
        "answers = Answers(paragraphs=(Paragraph(title='Orvale', context='Orvale.'),), answers=(answer,))",
        "stage = tracker('offline', 'squad-v1.1')",
        "train(stage, (5, 10)); stage.finish({'squad/f1': 80.0}, Outcome(MODEL, answers))",
    )
    assert (process.returncode, process.stderr) == (0, "")
    return folder


@pytest.fixture
def run(recorded: Path, tmp_path: Path) -> str:
    """That folder, for one test alone."""
    return str(shutil.copytree(recorded, tmp_path / "runs" / "quickstart", symlinks=True))


@pytest.fixture
def server(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbServer]:
    """A server that this process knows, and soon gives up."""
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    with getattr(request, "param", WandbServer)().listening() as listening:
        for name, value in (own_environment(tmp_path) | listening.environment | IMPATIENT).items():
            monkeypatch.setenv(name, value)
        yield listening
    wandb.teardown()  # it remembers the address


def berth_sync(run: str, server: WandbServer | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    place = Path(run).parent
    told = server.environment if server else {}
    return subprocess.run(
        [sys.executable, "-m", "trainer", "sync", "quickstart", f"storage={place}"],
        env=own_environment(place.parent) | IMPATIENT | told | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def outcomes(run: str) -> list[str]:
    return [sent.outcome for sent in sync(run, STAGES)]


def steps(server: WandbServer, run_id: str) -> list[int]:
    """As they arrived, also where one arrived twice."""
    return [row["train/step"] for row in server.runs[run_id].history]


def marks(run: str) -> int:
    return len([*Path(run).rglob("*.synced")])


def test_each_stage_is_one_wandb_run_with_each_step_once_and_is_not_sent_again(server: WandbServer, run: str) -> None:
    process = berth_sync(run, server)
    assert (process.returncode, process.stderr) == (0, "")
    lines = [line.split(":", 1) for line in process.stdout.splitlines()]
    assert [place.split("/")[0] for place, _ in lines] == ["pretrain", "pretrain", "squad-v1.1"]
    assert [told for _, told in lines] == [" 3 steps sent", " 1 steps sent", " 2 steps sent"]
    assert {run_id: steps(server, run_id) for run_id in server.runs} == {PRETRAIN: [10, 20, 30, 40], SQUAD: [5, 10]}
    assert [row["_step"] for row in server.runs[PRETRAIN].history] == [10, 20, 30, 40]
    assert {one.names["groupName"] for one in server.runs.values()} == {"quickstart"}
    assert [title for title, _, _ in server.runs[PRETRAIN].alerts] == ["restarted", "finished"]
    assert server.runs[SQUAD].summary["squad/f1"] == 80.0
    assert any(file.startswith("media/table/answers") for file in server.runs[SQUAD].uploaded)
    assert {one.name: one.committed for one in server.artifacts} == {
        "quickstart.phase-1": True,
        "run-quickstart.squad-v1.1-answers": True,
    }
    server.requests.clear()
    again = berth_sync(run, server)
    assert [line.split(": ")[1] for line in again.stdout.splitlines()] == ["sent before"] * 3
    assert (again.returncode, server.requests) == (0, [])


def test_what_lies_on_object_storage_is_sent_and_marked_there(server: WandbServer, run: str) -> None:
    remote = f"memory://{uuid.uuid4().hex}/quickstart"
    for file in Path(run).rglob("*"):
        if file.is_file():
            storage.write_bytes(f"{remote}/{file.relative_to(run)}", file.read_bytes())
    assert outcomes(remote) == ["3 steps sent", "1 steps sent", "2 steps sent"]
    assert steps(server, PRETRAIN) == [10, 20, 30, 40]
    assert any(file.startswith("media/table/answers") for file in server.runs[SQUAD].uploaded)
    assert outcomes(remote) == ["sent before"] * 3
    assert all(each.marked for each in recordings(remote, STAGES))


def test_a_clock_that_was_set_back_between_two_attempts_loses_no_step(server: WandbServer, run: str) -> None:
    second = Path(recordings(run, STAGES)[1].folder)
    an_id = second.name.rpartition("-")[2]
    second.rename(second.with_name(f"offline-run-20200101_000000-{an_id}"))
    assert outcomes(run) == ["3 steps sent", "1 steps sent", "2 steps sent"]
    assert steps(server, PRETRAIN) == [10, 20, 30, 40]
    assert server.runs[PRETRAIN].summary["train/step"] == 40


def test_without_a_key_one_line_says_so_and_nothing_is_sent(server: WandbServer, run: str) -> None:
    process = berth_sync(run, WANDB_BASE_URL=server.url)
    assert (process.returncode, process.stdout) == (2, "")
    assert process.stderr == "berth: WANDB_API_KEY: there is no key for W&B; set it, or run `wandb login`\n"
    assert server.requests == []


def test_a_run_that_recorded_nothing_is_an_error(server: WandbServer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there are no records for W&B; check `storage` and `name`"):
        list(sync(str(tmp_path / "elsewhere"), STAGES))
    assert server.requests == []


def test_a_key_that_is_asked_for_is_no_key(server: WandbServer, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_API_KEY")
    with pytest.raises(ConfigError):
        list(sync(run, STAGES))
    assert server.requests == []


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("401", r"W&B refuses the key \(HTTP 401\); check WANDB_API_KEY"),
        ("403", r"W&B refuses the key \(HTTP 403\); check WANDB_API_KEY"),
        ("429", r"W&B is not well \(HTTP 429\); wait a little"),
        ("500", r"W&B is not well \(HTTP 500\); wait a little"),
        ("cut", r"W&B does not answer \(.*reset.*\); check the network and WANDB_BASE_URL"),
        ("hang", r"W&B does not answer \(timed out\); check the network and WANDB_BASE_URL"),
    ],
)
def test_a_server_that_refuses_or_is_silent_takes_nothing_and_loses_nothing(
    fault: Fault, problem: str, server: WandbServer, run: str
) -> None:
    server.fault = fault
    with pytest.raises(InputError, match=f"{server.url}: {problem}.*; nothing is lost, and the same command goes on"):
        list(sync(run, STAGES))
    assert marks(run) == 0
    assert server.runs == {}


@pytest.mark.parametrize(
    "fault", [pytest.param(fault, marks=() if fault == "401" else pytest.mark.slow) for fault in FAULTS]
)
def test_a_server_that_fails_in_between_gets_the_rest_at_the_next_attempt(
    fault: Fault, server: WandbServer, run: str
) -> None:
    server.fault, server.after = fault, 3  # of which the third makes the W&B run
    with pytest.raises(InputError, match=r"has not taken all of it \(.+\); nothing is lost, and the same command"):
        list(sync(run, STAGES))
    assert marks(run) == 0
    server.fault = None
    list(sync(run, STAGES))
    assert {run_id: steps(server, run_id) for run_id in server.runs} == {PRETRAIN: [10, 20, 30, 40], SQUAD: [5, 10]}
    assert marks(run) == 3


@pytest.mark.slow
def test_steps_that_the_server_took_before_it_broke_off_are_not_sent_again(server: WandbServer, run: str) -> None:
    list(sync(run, STAGES))
    pretrain = server.runs[PRETRAIN]
    first = pretrain.lines("wandb-history.jsonl")[0]
    pretrain.files = {"wandb-history.jsonl": {0: first}, "wandb-summary.json": {0: first}}  # as if it had taken no more
    pretrain.state = "failed"
    for mark in Path(run, "pretrain").rglob("*.synced"):
        mark.unlink()
    assert outcomes(run) == ["2 steps sent", "1 steps sent", "sent before"]
    assert steps(server, PRETRAIN) == [10, 20, 30, 40]


@pytest.mark.slow
def test_a_run_at_work_is_sent_as_far_as_it_is(server: WandbServer, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = training(
        folder,
        "import subprocess, sys",
        "stage = tracker('offline', 'pretrain')",
        "by = f'from trainer.tracking.sync import sync; print(*(s.outcome for s in sync({FOLDER!r}, [\"pretrain\"])))'",
        "def told(): subprocess.run([sys.executable, '-c', by], check=True)",
        "train(stage, range(1, 11)); time.sleep(1.5); told()",  # until it is on disk; step 10 may still get more values
        "train(stage, range(11, 21)); stage.finish({}); told(); told()",
        server=server,
    )
    assert process.stdout.splitlines() == ["9 steps sent", "11 steps sent", "sent before"]
    assert steps(server, PRETRAIN) == [*range(1, 21)]
    assert server.runs[PRETRAIN].state == "finished"


@pytest.mark.slow
def test_of_what_was_recorded_online_only_what_the_server_lacks_is_sent(server: WandbServer, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    training(
        folder, "stage = tracker('online', 'squad-v1.1')", "train(stage, (5, 10)); stage.finish({})", server=server
    )
    training(
        folder,
        "stage = tracker('online', 'pretrain', finish_timeout=1)",
        "misbehave('401'); train(stage, (10, 20, 30)); stage.finish({})",
        server=server,
    )
    server.fault = None
    assert steps(server, PRETRAIN) == []
    assert outcomes(str(folder)) == ["3 steps sent", "nothing is left to send"]
    assert {run_id: steps(server, run_id) for run_id in server.runs} == {SQUAD: [5, 10], PRETRAIN: [10, 20, 30]}


@pytest.mark.slow
def test_a_record_that_was_torn_by_a_full_disk_is_sent_as_far_as_it_can_be_read(server: WandbServer, run: str) -> None:
    file = Path(recordings(run, STAGES)[0].file)
    log = file.read_bytes()
    torn = next(log[:end] for end in range(0, len(log), 16) if TransactionLog.of(log[:end]).steps == {10, 20})
    file.write_bytes(torn + bytes(100))
    assert outcomes(run) == ["2 steps sent", "2 steps sent", "2 steps sent"]
    assert steps(server, PRETRAIN) == [10, 20, 30, 40]


class PuzzlingServer(WandbServer):
    """One answer of it is of the wrong shape, over which `wandb sync` waits for ever."""

    def operation(self, name: str, variables: dict[str, Any]) -> dict[str, Any]:
        return {} if name == "CreateArtifactFiles" else super().operation(name, variables)


@pytest.mark.slow
@pytest.mark.parametrize("server", [PuzzlingServer], indirect=True)
def test_a_wandb_that_falls_silent_is_given_up(server: WandbServer, run: str) -> None:
    with pytest.raises(InputError, match=r"squad-v1\.1/.* has not taken all of it \(.+\); nothing is lost"):
        list(sync(run, STAGES, silence=3))
    assert marks(run) == 2
    assert steps(server, PRETRAIN) == [10, 20, 30, 40]
