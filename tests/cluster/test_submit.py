"""Runs that `berth` submits, stops, resumes, scales and deletes, without helm and with it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kubeflow.training import TrainingClient

from tests.cluster.conftest import S3, Cluster
from tests.cluster.kubectl import get
from tests.cluster.release import Release, Values, history, merged, now, written

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600, func_only=True)]

BERTH = Path(sys.executable).with_name("berth")
KINDS = "pytorchjob,configmap,secret,serviceaccount,networkpolicy,poddisruptionbudget,pod,pvc"


def berth(*arguments: str, path: str = "/usr/bin:/bin", code: int = 0) -> str:
    """What a command says; no helm is on PATH unless `path` has one."""
    environment = {**os.environ, "PATH": path}
    result = subprocess.run(
        [BERTH, *arguments], capture_output=True, text=True, timeout=300, env=environment, check=False
    )
    said = f"{result.stdout}{result.stderr}"
    assert result.returncode == code, said
    return said


def objects(namespace: str) -> set[str]:
    found: list[Any] = get("-n", namespace, KINDS)
    return {f"{each['kind']} {each['metadata']['name']}" for each in found}


def test_a_run_submitted_without_helm_stops_and_resumes_and_does_each_step_once(
    new_release: Callable[..., Release], cluster: Cluster, namespace: str, on_s3: Values, s3: S3, tmp_path: Path
) -> None:
    sized = {"scaling": {"num_workers": [1, 8]}, "pretrain": {"max_steps": 400}}
    run, values = written(tmp_path, "submitted", merged(on_s3, {"run": sized}))
    before, submitted = objects(namespace), new_release("submitted", namespace)
    berth("submit", run, "--values", values, "-n", namespace, "--detach")
    submitted.trains(now(), 240)
    plain = TrainingClient(config_file=str(cluster.kubeconfig), namespace=namespace)
    assert plain.is_job_running("submitted", job_kind="PyTorchJob")

    said = berth("stop", "submitted", "-n", namespace)
    assert "saved" in said
    assert not submitted.pods()
    assert "is there already" in berth("submit", run, "--values", values, "-n", namespace, "--detach")

    assert "400/400" in berth("resume", "submitted", "-n", namespace)
    plain.wait_for_job_conditions("submitted", job_kind="PyTorchJob", timeout=60)
    logs, _ = plain.get_job_logs("submitted", job_kind="PyTorchJob")
    assert "400/400" in logs["submitted-master-0"]
    points = history(s3.files(), f"{s3.bucket}/runs/submitted/pretrain")
    assert [point["step"] for point in points] == list(range(1, 401))

    berth("stop", "submitted", "--delete", "--yes", "-n", namespace)
    assert objects(namespace) - before == set()


def test_a_helm_release_is_submitted_once_scaled_as_its_batches_allow_and_deleted(
    helm: Callable[..., str], namespace: str, tmp_path: Path
) -> None:
    sized = {
        "job": {"suspend": True},
        "worker": {"cpu": 1},
        "storage": {"secret": "none-yet"},
        "run": {
            "storage": "s3://none/runs",
            "scaling": {"num_workers": [1, 8]},
            "corpus": {"sources": [{"path": "s3://none/text"}]},
            "pretrain": {"batch_size": 8, "micro_batch_size": 2, "max_steps": 9},
        },
    }
    run, values = written(tmp_path, "released", sized)
    before = objects(namespace)

    def call(*arguments: str, code: int = 0) -> str:
        return berth(*arguments, "-n", namespace, path=os.environ["PATH"], code=code)

    submit = ("submit", run, "--values", values, "--detach")
    assert "is submitted" in call(*submit)
    assert [each["name"] for each in json.loads(helm("ls", "-n", namespace, "-o", "json"))] == ["released"]
    assert "is there already" in call(*submit)
    assert "run.pretrain.0.max_steps is 9 there and 8 here" in call(*submit, "pretrain.max_steps=8", code=2)

    assert "it is suspended" in call("scale", "released", "2", code=2)
    call("resume", "released", "--detach")
    assert "scale it to 2 or 4" in call("scale", "released", "3", code=2)
    call("scale", "released", "2")
    assert get("-n", namespace, "pytorchjob/released")["spec"]["pytorchReplicaSpecs"]["Worker"]["replicas"] == 2

    assert "helm has made it" in berth("stop", "released", "--delete", "--yes", "-n", namespace, code=2)
    call("stop", "released", "--delete", "--yes")
    assert objects(namespace) - before == set()
