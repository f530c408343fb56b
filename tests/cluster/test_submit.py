"""Runs that a member of a team submits, stops, resumes, scales and deletes by `berth`, without helm and with it.

The member has the rights of manifests/examples/team and no others.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubeflow.training import TrainingClient

from tests.cluster.conftest import S3, Cluster
from tests.cluster.kubectl import get, kubectl, until
from tests.cluster.line import carried
from tests.cluster.preemption import displaced
from tests.cluster.release import Release, Values, history, merged, now, written
from tests.cluster.team import BERTH, EXAMPLES, Member, join

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600, func_only=True)]

KINDS = "pytorchjob,configmap,secret,serviceaccount,networkpolicy,poddisruptionbudget,pod,pvc"


@pytest.fixture(scope="module")
def member(cluster: Cluster, namespace: str, tmp_path_factory: pytest.TempPathFactory) -> Member:
    return join(namespace, cluster.kubeconfig, tmp_path_factory.mktemp("member"))


@pytest.fixture(scope="module")
def idle(cluster: Cluster) -> Iterator[str]:
    """A PriorityClass below that of all others."""
    classes = str(EXAMPLES / "priority/cluster.yaml")
    kubectl("apply", "-f", classes)
    yield "training-idle"
    kubectl("delete", "-f", classes)


def objects(namespace: str) -> set[str]:
    found: list[Any] = get("-n", namespace, KINDS)
    return {f"{each['kind']} {each['metadata']['name']}" for each in found}


def test_a_run_is_preempted_stopped_and_resumed_and_does_each_step_once(
    new_release: Callable[..., Release],
    cluster: Cluster,
    member: Member,
    on_s3: Values,
    s3: S3,
    tmp_path: Path,
    idle: str,
) -> None:
    sized = {"scaling": {"num_workers": [1, 8]}, "pretrain": {"max_steps": 1200}}
    run, values = written(tmp_path, "submitted", merged(on_s3, {"run": sized, "pod": {"priority_class": idle}}))
    before, submitted = objects(member.namespace), new_release("submitted", member.namespace)
    submit = ("submit", run, "--values", values)
    with carried(member.kubeconfig) as line:
        following = subprocess.Popen(
            ["env", "--default-signal=INT", BERTH, *submit],  # tests that run in the background ignore it
            env=member.environment(KUBECONFIG=str(line.kubeconfig(tmp_path))),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        submitted.trains(now(), 240)
        line.cut()
        time.sleep(2)
        line.mend()
        submitted.trains(now())
        time.sleep(2)
        following.send_signal(signal.SIGINT)
        told, said = following.communicate(timeout=60)
    assert following.returncode == 130
    assert "  loss " in told
    assert "the API server is back" in said
    assert "no longer followed; the run goes on, see `berth logs -f submitted master-0`" in said
    plain = TrainingClient(config_file=str(cluster.kubeconfig), namespace=member.namespace)
    assert plain.is_job_running("submitted", job_kind="PyTorchJob")

    began = now()
    with displaced(submitted, "submitted-worker-0"):
        until(lambda: "submitted-worker-0" not in submitted.pods(), 60, "the Worker makes way", member.namespace)
    submitted.trains(began)

    said = member.berth("stop", "submitted")
    assert "saved" in said
    assert not submitted.pods()
    assert "is there already" in member.berth(*submit, "--detach")

    assert "1,200/1,200" in member.berth("resume", "submitted")
    plain.wait_for_job_conditions("submitted", job_kind="PyTorchJob", timeout=60)
    logs, _ = plain.get_job_logs("submitted", job_kind="PyTorchJob")
    assert "1,200/1,200" in logs["submitted-master-0"]
    points = history(s3.files(), f"{s3.bucket}/runs/submitted/pretrain")
    assert [point["step"] for point in points] == list(range(1, 1201))

    member.berth("stop", "submitted", "--delete", "--yes")
    assert objects(member.namespace) - before == set()


def test_a_helm_release_is_submitted_once_scaled_as_its_batches_allow_and_deleted(
    helm: Callable[..., str], member: Member, tmp_path: Path
) -> None:
    sized = {
        "job": {"suspend": True},
        "worker": {"cpu": 1},
        "storage": {"size": "1Gi", "keep": True},
        "run": {
            "storage": "/storage",
            "scaling": {"num_workers": [1, 8]},
            "corpus": {"sources": [{"path": "/storage/text"}]},
            "pretrain": {"batch_size": 8, "micro_batch_size": 2, "max_steps": 9},
        },
    }
    run, values = written(tmp_path, "released", sized)
    before = objects(member.namespace)

    def call(*arguments: str, code: int = 0) -> str:
        return member.berth(*arguments, code=code, PATH=os.environ["PATH"])

    submit = ("submit", run, "--values", values, "--detach")
    assert "is submitted" in call(*submit)
    assert [each["name"] for each in json.loads(helm("ls", "-n", member.namespace, "-o", "json"))] == ["released"]
    assert "is there already" in call(*submit)
    assert "run.pretrain.0.max_steps is 9 there and 8 here" in call(*submit, "pretrain.max_steps=8", code=2)

    assert "it is suspended" in call("scale", "released", "2", code=2)
    call("resume", "released", "--detach")
    assert "scale it to 2 or 4" in call("scale", "released", "3", code=2)
    call("scale", "released", "2")
    job = get("-n", member.namespace, "pytorchjob/released")
    assert job["spec"]["pytorchReplicaSpecs"]["Worker"]["replicas"] == 2

    assert "helm has made it" in member.berth("stop", "released", "--delete", "--yes", code=2)
    assert "PersistentVolumeClaim released stays" in call("stop", "released", "--delete", "--yes")
    assert objects(member.namespace) - before == {"PersistentVolumeClaim released"}
    assert "is submitted" in member.berth(*submit), "the claim is found again"
    member.berth("stop", "released", "--delete", "--yes")
    assert objects(member.namespace) - before == {"PersistentVolumeClaim released"}
