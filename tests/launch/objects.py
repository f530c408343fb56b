"""Objects as a cluster gives them, less what nothing reads: PyTorchJobs of the training operator 1.9.4, pods of
Kubernetes 1.34. Statuses and messages are those that the tests' own cluster has given.
"""

from typing import Any

from trainer.launch.jobs import Job
from trainer.launch.object import Object

BEGAN = "2026-11-28T07:06:16Z"


def job(name: str = "my-run", workers: int = 2, *conditions: str, suspend: bool = False, message: str = "") -> Object:
    """A PyTorchJob of which some conditions hold: `job("my-run", 2, "Created", "Running")`."""
    held = [
        {"type": kind, "status": "True", "lastTransitionTime": BEGAN, "reason": f"PyTorchJob{kind}", "message": message}
        for kind in conditions
    ]
    return {
        "metadata": {"name": name, "namespace": "ns", "uid": name, "creationTimestamp": BEGAN},
        "spec": {
            "runPolicy": {"suspend": True} if suspend else {},
            "pytorchReplicaSpecs": {"Master": {"replicas": 1}, "Worker": {"replicas": workers}},
        },
        "status": {"conditions": held},
    }


def pod(kind: str = "master", index: int = 0, *, state: Any = None, init: Any = None, **status: Any) -> Object:
    """A pod of my-run, its container in a state such as `{"running": {}}`, or without one yet."""
    name = f"my-run-{kind}-{index}"
    phase = {"running": "Running", "terminated": "Failed"}.get(next(iter(state or {}), ""), "Pending")
    containers = [] if state is None else [{"name": "pytorch", "restartCount": 0, "state": state}]
    inits = [] if init is None else [{"name": "init-pytorch", "restartCount": 0, "state": init}]
    labels = {"job-name": "my-run", "replica-type": kind, "replica-index": str(index)}
    return {
        "metadata": {
            "name": name,
            "namespace": "ns",
            "uid": f"{name}-1",
            "creationTimestamp": BEGAN,
            "labels": {f"training.kubeflow.org/{key}": value for key, value in labels.items()},
        },
        "status": {"phase": phase, "containerStatuses": containers, "initContainerStatuses": inits, **status},
    }


def runs(kind: str = "master", index: int = 0) -> Object:
    return pod(kind, index, state={"running": {"startedAt": BEGAN}})


def event(of: str, reason: str, message: str, kind: str = "PyTorchJob") -> Object:
    return {
        "metadata": {"creationTimestamp": BEGAN},
        "involvedObject": {"kind": kind, "name": of},
        "type": "Warning",
        "reason": reason,
        "message": message,
        "lastTimestamp": BEGAN,
    }


def run(*pods: Object, workers: int = 2, conditions: tuple[str, ...] = ("Created", "Running"), **rest: Any) -> Job:
    return Job(job("my-run", workers, *conditions, **rest), pods)
