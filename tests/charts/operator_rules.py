"""What the training operator's webhook (1.9.4) asks of a PyTorchJob, and what its name must leave room for."""

import re
from collections.abc import Iterator
from typing import Any


def refusals(job: dict[str, Any]) -> list[str]:
    """Empty: the webhook admits the job."""
    return list(_refusals(job["metadata"]["name"], job["spec"]))


def _refusals(name: str, spec: dict[str, Any]) -> Iterator[str]:
    if not re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", name):
        yield "name: no DNS-1035 label"
    if len(f"{name}-master-0") > 63 or len(f"{name}-worker-9999") > 63:  # Services are named as the pods
        yield "name: too long for a Service of each pod"
    if spec.get("runPolicy", {}).get("managedBy", "kubeflow.org/training-operator") not in (
        "kubeflow.org/training-operator",
        "kueue.x-k8s.io/multikueue",
    ):
        yield "managedBy"
    replicas = spec["pytorchReplicaSpecs"]
    if replicas.keys() - {"Master", "Worker"}:
        yield "pytorchReplicaSpecs: a kind other than Master and Worker"
    if "elasticPolicy" in spec and "Worker" not in replicas:
        yield "elasticPolicy: without Workers"
    if "elasticPolicy" in spec and spec["elasticPolicy"].get("nProcPerNode") and "nprocPerNode" in spec:
        yield "nprocPerNode: twice"
    if "Master" in replicas and replicas["Master"].get("replicas") != 1:
        yield "Master.replicas: not 1, or not said"
    if "Worker" in replicas and replicas["Worker"].get("replicas", 1) < 1:
        yield "Worker.replicas: under 1"
    for kind, replica in replicas.items():
        containers = replica["template"]["spec"].get("containers") or []
        if not all(container.get("image") for container in containers):
            yield f"{kind}: a container without image"
        if [container["name"] for container in containers].count("pytorch") != 1:
            yield f"{kind}: no container `pytorch`"
