"""A run that is resized, hurt and moved while it trains. Each figure printed is the seconds until the next step.

One run serves all tests of this file, one after the other: each finds it training and leaves it training.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path

import pytest

from tests.cluster.conftest import S3, Cluster
from tests.cluster.kubectl import get, kubectl, until
from tests.cluster.release import Release, Values, history, merged, now
from tests.tracking.conftest import record_of

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900, func_only=True)]

NAME = "resized"
KILL = """
import os, pathlib, signal
for command in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
    if command.read_bytes().startswith(b"ray::RayTrainWorker"):
        os.kill(int(command.parent.name), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def run(new_release: Callable[[str, str], Release], namespace: str, on_s3: Values) -> Iterator[Release]:
    """A run that trains for as long as it is let, on one Worker."""
    run = new_release(NAME, namespace).install(
        merged(on_s3, {"run": {"pretrain": {"max_steps": 1_000_000}, "checkpoint": {"every": 100}}})
    )
    run.trains(now(), 300)
    yield run
    run.uninstall()


def restarts(run: Release) -> dict[str, int]:
    return {name: pod["status"]["containerStatuses"][0]["restartCount"] for name, pod in run.pods().items()}


def curve(s3: S3) -> list[dict[str, float]]:
    """As the newest checkpoint has it."""
    files = s3.files()
    newest = max(files.glob(f"{s3.bucket}/runs/{NAME}/pretrain/checkpoints/*/complete.json"))
    return history(files, newest.removesuffix("/complete.json"))


def sizes_of(points: list[dict[str, float]]) -> list[int]:
    """Of the groups that made a curve, one after the other."""
    return [int(size) for size, _ in groupby(point["train/world_size"] for point in points)]


def made_way(run: Release, began: datetime, workers: int) -> float:
    """Seconds without a step, while a group saved and one of so many workers took its place."""
    saved = run.told("saving at the next step", began)
    started = run.told(f"starting workers: {workers}", saved)
    return run.trains(started) + (started - saved).total_seconds()


def resize(run: Release, s3: S3, workers: int) -> None:
    began = now()
    run.scale(workers)
    seconds = made_way(run, began, workers)
    total = (now() - began).total_seconds()
    print(f"scaled to {workers} Workers: {seconds:.0f} s without a step, {total:.0f} s since kubectl scale")
    until(
        lambda: curve(s3)[-1]["train/world_size"] == workers, 120, f"a checkpoint of {workers} workers", run.namespace
    )


def test_kubectl_scale_is_followed_and_no_step_is_lost_or_done_twice(run: Release, s3: S3) -> None:
    before = {name: pod["metadata"]["uid"] for name, pod in run.pods().items()}
    resize(run, s3, 3)
    resize(run, s3, 1)
    assert set(restarts(run).values()) == {0}
    after = {name: pod["metadata"]["uid"] for name, pod in run.pods().items()}
    assert after == before, "the Master and the first Worker are the pods that they were"

    points = curve(s3)
    assert [point["step"] for point in points] == list(range(1, len(points) + 1))
    assert sizes_of(points) == [1, 3, 1]


def test_prometheus_finds_the_curves_at_the_master(run: Release) -> None:
    read = "from urllib.request import urlopen; print(urlopen('http://127.0.0.1:6386/metrics').read().decode())"
    told = kubectl("exec", "-n", run.namespace, f"{NAME}-master-0", "-c", "pytorch", "--", "python3", "-c", read)
    assert 'berth_train_world_size{stage="pretrain"} 1.0' in told
    assert 'berth_train_loss{stage="pretrain"}' in told


def test_a_deleted_worker_pod_comes_back_and_the_run_goes_on(run: Release) -> None:
    began = now()
    kubectl("delete", "pod", "-n", run.namespace, f"{NAME}-worker-0", "--wait=false")
    print(f"Worker pod deleted: {made_way(run, began, 1):.0f} s without a step")


def test_a_killed_worker_process_is_replaced(run: Release) -> None:
    began = now()
    kubectl("exec", "-i", "-n", run.namespace, f"{NAME}-worker-0", "-c", "pytorch", "--", "python3", "-", stdin=KILL)
    noticed = run.told("the workers start again", began)
    seconds = (noticed - began).total_seconds()
    total = seconds + run.trains(noticed)
    print(f"worker process killed: noticed after {seconds:.0f} s, {total:.0f} s until the next step")
    assert restarts(run)[f"{NAME}-worker-0"] == 0


def test_a_killed_master_pod_is_replaced_and_the_workers_stay(run: Release) -> None:
    worker = run.pods()[f"{NAME}-worker-0"]["metadata"]["uid"]
    master = run.pods()[f"{NAME}-master-0"]["metadata"]["uid"]
    began = now()
    kubectl("delete", "pod", "-n", run.namespace, f"{NAME}-master-0", "--grace-period=0", "--force")
    until(
        lambda: run.pods().get(f"{NAME}-master-0", {}).get("metadata", {}).get("uid", master) != master,
        120,
        "another Master",
        run.namespace,
    )
    print(f"Master pod killed: {run.trains(began):.0f} s until the next step")
    assert run.pods()[f"{NAME}-worker-0"]["metadata"]["uid"] == worker


def test_wandb_s_records_are_one_run_with_each_step_once(run: Release, s3: S3, tmp_path: Path) -> None:
    resize(run, s3, 2)  # a group that makes way puts its records on the storage
    s3.files().get(f"{s3.bucket}/runs/{NAME}/pretrain/wandb", str(tmp_path), recursive=True)
    records = [record_of(file) for file in sorted(tmp_path.rglob("offline-run-*/run-*.wandb"))]  # of a group each
    assert {record.run.run_id for record in records} == {f"{NAME}.pretrain"}
    rows = records[-1].history
    assert [row["train/step"] for row in rows] == list(range(1, len(rows) + 1))
    assert sizes_of(rows) == [1, 3, 1]


def test_a_lost_node_costs_its_workers_only(run: Release, cluster: Cluster) -> None:
    began = now()
    run.scale(3)
    run.trains(run.told("starting workers: 3", began))
    master = get("-n", run.namespace, "pod", f"{NAME}-master-0")["spec"]["nodeName"]
    lost = {"node1": "node2", "node2": "node1"}[master]
    on_it = [name for name, pod in run.pods().items() if pod["spec"].get("nodeName") == lost]
    assert on_it, "some Worker runs on the node that is lost"
    began = now()
    cluster.lane("lose", lost)
    try:
        until(
            lambda: "the workers start again" in run.log("master-0", "--since-time", began.isoformat()), 120, "noticed"
        )
        print(f"node lost: {run.trains(began):.0f} s")
    finally:
        cluster.lane("return", lost)
