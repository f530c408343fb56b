"""Drivers are real processes where their life matters; two machines are two boot ids in the file."""

import json
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from trainer import storage
from trainer.engine.folder import RunFolder
from trainer.errors import RunHeld
from trainer.runtime import lease
from trainer.runtime.lease import Holder, Lease, held


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """That of a new run."""
    return RunFolder(str(tmp_path), "/")


@pytest.fixture(params=["local", "s3"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> RunFolder:
    """That of a new run on local disk and on object storage."""
    if request.param == "local":
        return request.getfixturevalue("folder")
    request.getfixturevalue("faulty")
    return RunFolder(f"s3://bucket/{tmp_path.name}", "/")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "RENEW_EVERY", 0.2)
    monkeypatch.setattr(lease, "WATCH", 1.0)
    monkeypatch.setattr(lease, "_SETTLE", 0.1)


def file_of(folder: RunFolder) -> str:
    return storage.join(folder.uri, "lease.json")


def note(folder: RunFolder, **changes: str | int) -> None:
    """Leave the lease of another driver: this process in all that is not said."""
    storage.write_text(file_of(folder), Holder.this().model_copy(update=changes).model_dump_json())


@pytest.mark.usefixtures("quick")
def test_a_run_is_held_and_given_free(anywhere: RunFolder) -> None:
    with held(anywhere, pytest.fail):
        holder = json.loads(storage.read_text(file_of(anywhere)))
        assert (holder["process"], holder["namespace"]) == (os.getpid(), str(Path("/proc/self/ns/pid").readlink()))
        time.sleep(0.7)
        assert json.loads(storage.read_text(file_of(anywhere)))["renewed"] > 0
    assert not storage.exists(file_of(anywhere))


@pytest.mark.usefixtures("quick")
def test_a_second_driver_on_the_same_machine_is_refused_at_once_and_named_the_first(folder: RunFolder) -> None:
    with held(folder, pytest.fail) as first:
        with pytest.raises(RunHeld, match=rf"has a driver already: process {os.getpid()} on .+, since 20"):
            Lease(folder, pytest.fail)
        first.check()


@pytest.mark.usefixtures("quick")
def test_a_driver_that_was_killed_is_followed_at_once(folder: RunFolder) -> None:
    process = subprocess.Popen(["sleep", "60"])
    note(folder, id="dead", process=process.pid, started=lease._started(process.pid) or 0)
    with pytest.raises(RunHeld, match=f"process {process.pid} on"):
        Lease(folder, pytest.fail)
    process.kill()
    time.sleep(0.2)  # a zombie now: its parent has not asked for it
    with held(folder, pytest.fail):
        pass
    process.wait()


@pytest.mark.usefixtures("quick")
def test_another_process_with_the_number_of_a_dead_driver_is_not_taken_for_it(folder: RunFolder) -> None:
    note(folder, id="dead", started=1)
    with held(folder, pytest.fail):
        pass


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("elsewhere", [{"boot": "another"}, {"namespace": "pid:[1]"}])
def test_a_driver_that_cannot_be_seen_from_here_is_dead_when_it_does_not_renew(
    folder: RunFolder, elsewhere: dict[str, str]
) -> None:
    note(folder, id="another", host="far", **elsewhere)
    said: list[str] = []
    begin = time.monotonic()
    with held(folder, said.append):
        assert time.monotonic() - begin >= 1.0
    assert said == ["waiting 1 seconds: does the run's driver on far still live?"]


@pytest.mark.usefixtures("quick")
def test_a_living_driver_elsewhere_is_left_alone(anywhere: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    with held(anywhere, pytest.fail) as first:
        monkeypatch.setattr(lease, "boot_id", lambda: "another machine")
        monkeypatch.setattr(lease.socket, "gethostname", lambda: "another name")
        with pytest.raises(RunHeld, match="has a driver already"):
            Lease(anywhere, lambda _: None)
        time.sleep(0.5)
        first.check()


@pytest.mark.usefixtures("quick")
def test_a_restarted_pod_waits_for_the_one_whose_name_it_has(folder: RunFolder) -> None:
    begin = time.monotonic()
    with pytest.MonkeyPatch.context() as elsewhere:
        elsewhere.setattr(lease, "boot_id", lambda: "a node that Kubernetes has lost")
        before = Lease(folder, pytest.fail)
    threading.Timer(2, before.release).start()
    with held(folder, lambda _: None) as after:
        assert time.monotonic() - begin >= 2
        after.check()
    before.check()


@pytest.mark.usefixtures("quick")
def test_of_many_that_begin_in_the_same_moment_one_goes_on(anywhere: RunFolder) -> None:
    won: list[Lease] = []
    refused: list[RunHeld] = []

    def begin() -> None:
        try:
            won.append(Lease(anywhere, lambda _: None))
        except RunHeld as error:
            refused.append(error)

    threads = [threading.Thread(target=begin) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    time.sleep(1)
    holding = [one for one in won if one._other is None]
    assert len(won) + len(refused) == 5
    assert len(holding) == 1
    for one in won:
        one.release()


@pytest.mark.usefixtures("quick")
def test_a_driver_that_was_followed_while_it_slept_gives_way_and_leaves_the_file_alone(folder: RunFolder) -> None:
    with held(folder, pytest.fail) as slept:
        note(folder, id="follower", host="far", process=4321)
        time.sleep(1)
        with pytest.raises(RunHeld, match="process 4321 on far"):
            slept.check()
    assert json.loads(storage.read_text(file_of(folder)))["id"] == "follower"


@pytest.mark.usefixtures("quick")
def test_a_lease_outlives_storage_that_is_away(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path / "run"), "/")
    with held(folder, pytest.fail) as lasting:
        (tmp_path / "run").rename(tmp_path / "away")
        (tmp_path / "run").write_text("in the way")
        time.sleep(0.7)
        lasting.check()
        (tmp_path / "run").unlink()
        (tmp_path / "away").rename(tmp_path / "run")
        before = json.loads(storage.read_text(file_of(folder)))["renewed"]
        time.sleep(0.7)
        assert json.loads(storage.read_text(file_of(folder)))["renewed"] > before


@pytest.mark.usefixtures("quick")
def test_a_damaged_lease_is_nobodys(folder: RunFolder) -> None:
    storage.write_text(file_of(folder), "{")
    with held(folder, pytest.fail):
        pass
