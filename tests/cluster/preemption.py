"""A pod that takes the room of another, of a lower priority."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from kubernetes.utils import parse_quantity

from tests.cluster.kubectl import apply, get, kubectl
from tests.cluster.release import Release


@contextmanager
def displaced(run: Release, pod: str) -> Iterator[None]:
    """Another pod wants all of a node, where a pod of the run is, but what pods of others have; as long as the block
    lasts.
    """
    node = run.pods()[pod]["spec"]["nodeName"]
    there = get("pods", "-A", f"--field-selector=spec.nodeName={node},status.phase!=Succeeded,status.phase!=Failed")
    others = [each for each in there if not _of(run, each)]
    left = parse_quantity(get("node", node)["status"]["allocatable"]["cpu"]) - sum(map(_asked, others))
    container = {
        "name": "urgent",
        "image": run.pods()[pod]["spec"]["containers"][0]["image"],
        "command": ["sleep", "1000"],
        "resources": {"requests": {"cpu": f"{int(left * 1000)}m"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    spec = {
        "nodeSelector": {"kubernetes.io/hostname": node},
        "containers": [container],
        "terminationGracePeriodSeconds": 0,
    }
    apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "urgent"}, "spec": spec}, namespace=run.namespace)
    yield
    kubectl("delete", "pod", "urgent", "-n", run.namespace)


def _of(run: Release, pod: Any) -> bool:
    return pod["metadata"].get("labels", {}).get("training.kubeflow.org/job-name") == run.name


def _asked(pod: Any) -> Decimal:
    requests = [each.get("resources", {}).get("requests", {}) for each in pod["spec"]["containers"]]
    return sum((parse_quantity(each.get("cpu", 0)) for each in requests), Decimal())
