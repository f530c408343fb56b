"""A run is watched by list, status, logs and events while it trains, after it, and through outages."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.conftest import Cluster
from tests.cluster.kubectl import apply, get, kubectl, until
from tests.cluster.line import carried
from tests.cluster.release import Release, Values, merged

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600, func_only=True)]

LINES = 600
SAYING = f"i=0; while [ $i -lt {LINES} ]; do echo line $i; i=$((i+1)); sleep 0.03; done"


def berth(*arguments: str, kubeconfig: Path | None = None) -> "subprocess.CompletedProcess[str]":
    chosen = {"KUBECONFIG": str(kubeconfig)} if kubeconfig else {}
    command = [sys.executable, "-m", "trainer", *arguments]
    return subprocess.run(command, env=os.environ | chosen, capture_output=True, text=True, check=False)


def found(*arguments: str) -> Any:
    result = berth(*arguments, "-o", "json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def run(new_release: Callable[..., Release], on_s3: Values, namespace: str) -> Iterator[Release]:
    """Trains for a minute, saves soon, annotates its job."""
    brief = {"pretrain": {"max_steps": 400}, "checkpoint": {"every": 20}}
    asked = {"run": brief, "job": {"progress_annotations": True}}
    release = new_release("watched", namespace).install(merged(on_s3, asked))
    yield release
    release.uninstall(missing_is_fine=True)


def test_a_run_is_watched_from_its_start_to_its_end(run: Release) -> None:
    where = ("-n", run.namespace)
    following = subprocess.Popen(
        [sys.executable, "-m", "trainer", "logs", "watched", "master-0", "-f", *where],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def trains() -> Any:
        status = found("status", "watched", *where)
        return status if status["progress"]["checkpoint"] else None

    seen = until(trains, 240, "a checkpoint in `berth status`", run.namespace)
    assert seen["run"]["phase"] == "Running"
    assert (seen["progress"]["stage"], seen["progress"]["steps"], seen["progress"]["workers"]) == ("pretrain", 400, 1)
    assert seen["progress"]["loss"] > 0
    assert found("events", "watched", *where) == []

    assert run.ended(300) == "Succeeded"
    (listed,) = found("list", *where)
    assert (listed["name"], listed["phase"], listed["workers_wanted"]) == ("watched", "Succeeded", 1)
    after = found("status", "watched", *where)
    assert (after["run"]["phase"], after["progress"]["step"], after["progress"]["checkpoint"]) == (
        "Succeeded",
        400,
        400,
    )
    annotations = get("-n", run.namespace, "pytorchjob", "watched")["metadata"]["annotations"]
    assert (annotations["berth/stage"], annotations["berth/step"], annotations["berth/workers"]) == (
        "pretrain",
        "400",
        "1",
    )
    told, _ = following.communicate(timeout=60)
    assert told == run.log()


def test_a_log_is_followed_through_an_outage_of_the_api_server(
    cluster: Cluster, namespace: str, image: str, tmp_path: Path
) -> None:
    apply(saying("talker", image), namespace=namespace)
    try:
        with carried(cluster.kubeconfig) as line:
            environment = os.environ | {"KUBECONFIG": str(line.kubeconfig(tmp_path))}
            command = [sys.executable, "-m", "trainer", "logs", "talker", "master-0", "-f", "-n", namespace]
            told = tmp_path / "told"
            with told.open("w") as output:
                follower = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.PIPE, text=True)
            until(lambda: "line 20" in told.read_text(), 120, "lines of the pod", namespace)
            line.cut()
            time.sleep(3)
            line.mend()
            _, said = follower.communicate(timeout=120)
        assert told.read_text().splitlines() == [f"line {number}" for number in range(LINES)]
        assert said.count("the API server is away") == said.count("the API server is back") == 1
        assert follower.returncode == 0
    finally:
        kubectl("delete", "pytorchjob", "talker", "-n", namespace)


def test_somebody_without_rights_is_told_which_one_is_missing(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    kubectl("create", "serviceaccount", "nobody", "-n", namespace)
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    token = kubectl("create", "token", "nobody", "-n", namespace).strip()
    config["users"][0]["user"] = {"token": token}
    limited = tmp_path / "limited.kubeconfig"
    limited.write_text(yaml.safe_dump(config))
    for command in (["list"], ["status", "x"], ["logs", "x"], ["events", "x"]):
        result = berth(*command, "-n", namespace, kubeconfig=limited)
        assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1), result.stderr
        assert f"you may not in namespace {namespace}: pytorchjobs.kubeflow.org " in result.stderr
    doctor = berth("doctor", "-n", namespace, "-o", "json", kubeconfig=limited)
    rights = next(finding for finding in json.loads(doctor.stdout) if finding["check"] == "rights")
    assert (doctor.returncode, rights["verdict"]) == (2, "broken")
    assert "scale lacks get, patch pytorchjobs, pytorchjobs/scale;" in rights["found"]


def saying(name: str, image: str) -> dict[str, Any]:
    """A PyTorchJob of one pod, which says a line every 30 ms."""
    security = {
        "allowPrivilegeEscalation": False,
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {"name": "pytorch", "image": image, "command": ["sh", "-c", SAYING], "securityContext": security}
    master = {"replicas": 1, "restartPolicy": "ExitCode", "template": {"spec": {"containers": [container]}}}
    return {
        "apiVersion": "kubeflow.org/v1",
        "kind": "PyTorchJob",
        "metadata": {"name": name},
        "spec": {"pytorchReplicaSpecs": {"Master": master}},
    }
