"""Clusters on which no run can start, told apart: a real API server, by itself, that has what the test gives it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.bare import api_server, definition
from tests.cluster.kubectl import apply, kubectl
from tests.cluster.release import values
from tests.cluster.test_watching import berth

pytestmark = pytest.mark.cluster

COMMANDS = [
    ["list"],
    ["status", "x"],
    ["logs", "x"],
    ["events", "x"],
    ["scale", "x", "2"],
    ["stop", "x"],
    ["resume", "x"],
]
UNKNOWN = "the cluster knows no PyTorchJob; install the training operator, see manifests/cluster\n"


@pytest.fixture
def kubeconfig(programs: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with api_server(tmp_path) as kubeconfig:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
        yield kubeconfig


def test_each_command_says_that_the_cluster_knows_no_pytorchjob(kubeconfig: Path, tmp_path: Path) -> None:
    settings = tmp_path / "values.yaml"
    storage = {"secret": "object-store"}
    settings.write_text(yaml.safe_dump(values("trainer:1", storage=storage, run={"storage": "s3://berth/runs"})))
    submit = ["submit", "quickstart", "--values", str(settings), "--workers", "2"]
    for command in [*COMMANDS, submit]:
        result = berth(*command)
        assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1), (command, result.stderr)
        assert result.stderr.endswith(UNKNOWN), (command, result.stderr)
    assert kubectl("get", "secret,configmap,networkpolicy", "-o", "name", "-l", "app.kubernetes.io/name=berth") == ""
    assert verdict("pytorchjobs") == ("broken", "the cluster knows no PyTorchJob")


def test_doctor_finds_an_operator_that_is_too_old_and_jobs_that_cannot_be_scaled(kubeconfig: Path) -> None:
    apply(definition(), deployment("kubeflow/training-operator:v1.9.3"), namespace="default")
    kubectl("wait", "--for=condition=Established", "crd/pytorchjobs.kubeflow.org")
    ready = json.dumps({"status": {"replicas": 1, "readyReplicas": 1}})
    kubectl("patch", "deployment", "training-operator", "--subresource=status", "--type=merge", "-p", ready)
    assert verdict("pytorchjobs") == ("broken", "a PyTorchJob cannot be scaled")
    assert verdict("operator") == ("broken", "kubeflow/training-operator:v1.9.3")


def verdict(check: str) -> tuple[str, str]:
    """Of one check of `berth doctor`, and what it found."""
    result = berth("doctor", "-o", "json")
    assert result.returncode == 2, result.stderr
    return next((each["verdict"], each["found"]) for each in json.loads(result.stdout) if each["check"] == check)


def deployment(image: str) -> dict[str, Any]:
    """An operator's, of which no pod is made."""
    labels = {"control-plane": "kubeflow-training-operator"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "operator", "image": image}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "training-operator", "labels": labels},
        "spec": {"selector": {"matchLabels": labels}, "template": pod},
    }
