"""The lane's own proof: what the tests of a run stand on works."""

from typing import Any

import pytest

from tests.cluster.conftest import S3, Cluster
from tests.cluster.kubectl import apply, conditions, describe, get, kubectl, until

pytestmark = pytest.mark.cluster

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}

ALL_REDUCE = """
import torch, torch.distributed as dist
dist.init_process_group("gloo")
total = torch.tensor([dist.get_rank() + 1.0])
dist.all_reduce(total)
assert total.item() == 3.0, total
print("sum over both ranks:", total.item())
dist.destroy_process_group()
"""

ROUND_TRIP = """
import os, s3fs
files = s3fs.S3FileSystem()
files.pipe(os.environ["BUCKET"] + "/from-pod", b"hello")
print(files.cat(os.environ["BUCKET"] + "/from-test").decode())
"""


def pod_spec(image: str, program: str, **container: Any) -> dict[str, Any]:
    pytorch = {
        "name": "pytorch",
        "image": image,
        "command": ["python", "-c", program],
        "securityContext": RESTRICTED,
        "resources": {"requests": {"cpu": "100m"}},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    return {
        "automountServiceAccountToken": False,
        "containers": [pytorch | container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }


def ready_nodes() -> dict[str, bool]:
    return {node["metadata"]["name"]: conditions(node)["Ready"] for node in get("nodes")}


def test_two_nodes_are_ready_and_the_operator_runs(cluster: Cluster) -> None:
    assert sum(ready_nodes().values()) >= 2
    assert conditions(get("deployment", "training-operator", "-n", "kubeflow"))["Available"]


def test_two_pods_of_a_job_reduce_over_both_nodes(namespace: str, image: str) -> None:
    replica = {"replicas": 1, "restartPolicy": "Never", "template": {"spec": pod_spec(image, ALL_REDUCE)}}
    job = {
        "apiVersion": "kubeflow.org/v1",
        "kind": "PyTorchJob",
        "metadata": {"name": "all-reduce"},
        "spec": {"pytorchReplicaSpecs": {"Master": replica, "Worker": replica}},
    }
    apply(job, namespace=namespace)

    def ended() -> dict[str, bool]:
        found = conditions(get("pytorchjob", "all-reduce", "-n", namespace))
        return found if found.keys() & {"Succeeded", "Failed"} else {}

    outcome = until(ended, 200, "all-reduce ends", namespace)
    assert outcome.get("Succeeded"), describe(namespace)
    assert "sum over both ranks: 3.0" in kubectl("logs", "-n", namespace, "all-reduce-master-0")


def test_a_pod_reads_and_writes_s3_with_a_secret(namespace: str, image: str, s3: S3) -> None:
    s3.files().pipe(f"{s3.bucket}/from-test", b"credentials work")
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s3"}, "stringData": s3.environment}
    environment = {
        "envFrom": [{"secretRef": {"name": "s3"}}],
        "env": [{"name": "BUCKET", "value": s3.bucket}],
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "s3-client"},
        "spec": pod_spec(image, ROUND_TRIP, **environment) | {"restartPolicy": "Never"},
    }
    apply(secret, pod, namespace=namespace)

    def ended() -> str:
        phase = get("pod", "s3-client", "-n", namespace)["status"]["phase"]
        return phase if phase in {"Succeeded", "Failed"} else ""

    assert until(ended, 100, "s3-client ends", namespace) == "Succeeded", describe(namespace)
    assert "credentials work" in kubectl("logs", "-n", namespace, "s3-client")
    assert s3.files().cat(f"{s3.bucket}/from-pod") == b"hello"


def test_a_pod_that_is_not_restricted_is_refused(namespace: str, image: str) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "careless"},
        "spec": pod_spec(image, "", securityContext={}),
    }
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        apply(pod, namespace=namespace)


def test_a_lost_node_is_noticed_and_returns(cluster: Cluster) -> None:
    cluster.lane("lose", "node2")
    try:
        until(lambda: not ready_nodes()["node2"], 60, "node2 is NotReady")
    finally:
        cluster.lane("return", "node2")
    assert ready_nodes()["node2"]
