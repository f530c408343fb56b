"""What hangs is found, shown and ended, and a run has one driver: real runs, stopped processes, silent storage."""

import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.berth import until
from tests.end_to_end.conftest import Start, new_folder
from tests.end_to_end.test_interruptions import assert_same_result, checkpoint
from tests.s3_server import serving
from trainer import storage
from trainer.runtime.lease import Holder

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A server that speaks S3, as a process that can be stopped."""
    monkeypatch.setenv("BERTH_CACHE", str(tmp_path / "cache"))
    with serving() as server:
        yield server


def workers_left(folder: Path) -> list[int]:
    """Processes of Ray Train's groups of the runs in a folder."""
    left = []
    for process in psutil.process_iter(["pid", "cmdline", "cwd"]):
        if "RayTrainWorker" in " ".join(process.info["cmdline"] or []) and process.info["cwd"] == str(folder):
            left.append(process.info["pid"])
    return left


@pytest.mark.slow
def test_a_second_driver_is_refused_a_killed_one_followed_and_a_frozen_worker_ended_and_no_bit_changes(
    berth: Start, undisturbed: Path, tmp_path: Path
) -> None:
    folder = new_folder(tmp_path / "watched")
    first = berth(folder, "run", "tiny.yaml").wait_for(checkpoint(folder, "pretrain", 25))
    config = (folder / "runs" / "tiny" / "run.yaml").stat().st_mtime_ns
    code, output = berth(folder, "run", "tiny.yaml").wait()
    assert code == 2, output
    [said] = output.splitlines()
    place, driver = f"{folder}/runs/tiny", f"process {first.pid} on {socket.gethostname()}"
    assert said.startswith(f"berth: {place}: the run has a driver already: {driver}, since ")
    assert (folder / "runs" / "tiny" / "run.yaml").stat().st_mtime_ns == config

    first.kill()
    follower = berth(folder, "run", "tiny.yaml", "limits.stall_minutes=0.4")
    frozen = follower.wait_for(checkpoint(folder, "squad", 25)).kill_a_worker(signal.SIGSTOP)
    code, output = frozen.wait()
    assert code == 0, output
    assert "still live?" not in output
    hung = r"no worker finished anything for 0\.4 minutes: worker (\d) does not answer, its process is stopped"
    stopped = re.search(hung, output)
    assert stopped, output
    assert "the workers start again from the last checkpoint" in output
    [kept] = re.findall(r"^their stacks are in (.+)$", output, re.MULTILINE)
    [other] = [file.read_text() for file in Path(kept).glob("worker-*.txt") if file.stem[-1] != stopped[1]]
    assert "training squad" in other
    assert re.search(r"dist\.all_reduce|_engine_run_backward", other), other
    assert "does not answer" in Path(kept, f"worker-{stopped[1]}.txt").read_text()
    assert workers_left(folder) == []
    assert not (folder / "runs" / "tiny" / "lease.json").exists()
    assert_same_result(folder, undisturbed)


@pytest.mark.slow
def test_a_driver_whose_run_was_taken_over_ends_its_workers_and_itself(berth: Start, tmp_path: Path) -> None:
    folder = new_folder(tmp_path / "taken")
    first = berth(folder, "run", "tiny.yaml").wait_for(checkpoint(folder, "pretrain", 25))
    follower = Holder.this().model_copy(update={"host": "far", "process": 4321}).model_dump_json()
    (folder / "runs" / "tiny" / "lease.json").write_text(follower)  # as one would that did not hear of it for a while
    code, output = first.wait()
    assert code == 2, output
    assert "the run has a driver already: process 4321 on far, since " in output.splitlines()[-1]
    assert workers_left(folder) == []
    assert (folder / "runs" / "tiny" / "lease.json").read_text() == follower


@pytest.mark.slow
def test_of_two_drivers_on_object_storage_one_works_until_the_storage_never_answers(
    berth: Start, s3: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    folder = new_folder(tmp_path / "remote")
    command = (
        "run",
        "tiny.yaml",
        "storage=s3://bucket",
        "squad=null",
        "limits.stall_minutes=0.3",
        "checkpoint.patience_minutes=0",
    )
    both = [berth(folder, *command) for _ in range(2)]
    until(lambda: any(one.ended for one in both))
    [refused] = [one for one in both if one.ended]
    [works] = [one for one in both if not one.ended]
    code, output = refused.wait()
    assert code == 2, output
    assert f"the run has a driver already: process {works.pid} on " in output

    until(lambda: bool(storage.matching("s3://bucket/tiny/pretrain/checkpoints/*/complete.json")))
    s3.send_signal(signal.SIGSTOP)
    code, output = works.wait()
    assert code == 203, output
    assert "worker 0 is in " in output
    assert output.splitlines()[-1].startswith("berth: the driver hangs, for 1.3 minutes by now, in ")
    assert workers_left(folder) == []

    s3.send_signal(signal.SIGCONT)
    code, output = berth(folder, *command).wait()
    assert code == 0, output
