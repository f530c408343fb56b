"""A pod's environment variables, as containerd, the kubelet and training-operator 1.9.4 make them."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from trainer.launch.object import Object
from trainer.launch.scaling import cores

PORT = "23456"
"""The operator's own, for the chart names no other."""
_PLACES = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_REFERENCE = re.compile(r"\$\$|\$\((\w+)\)")


def of_pod(job: Object, replica: str, index: int, ip: str) -> dict[str, str]:
    """Names and values, none of which come from this process.

    Args:
        job: the PyTorchJob.
        replica: Master or Worker.
        index: among them.
        ip: of the pod.
    """
    container = job["spec"]["pytorchReplicaSpecs"][replica]["template"]["spec"]["containers"][0]
    made = _of_image() | {"HOSTNAME": pod_name(job, replica, index)}
    for variable in container.get("env", []):
        value = variable.get("value", "") if "valueFrom" not in variable else _looked_up(variable, container, ip)
        if value is not None:
            made[variable["name"]] = _filled_in(value, made)
    return made | _of_operator(job, replica, index)


def pod_name(job: Object, replica: str, index: int) -> str:
    """`my-run-worker-0`."""
    return f"{job['metadata']['name']}-{replica.lower()}-{index}"


def _of_image() -> dict[str, str]:
    """As images/trainer/Dockerfile says; this interpreter's programs stand for the image's."""
    path = f"{Path(sys.executable).parent}:{_PLACES}"
    return {"PATH": path, "HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}


def _looked_up(variable: Object, container: Object, ip: str) -> str | None:
    """None for what stands in a Secret of the cluster, such as a key of W&B: the network that it opens is not here."""
    match variable["valueFrom"]:
        case {"fieldRef": {"fieldPath": "status.podIP"}}:
            return ip
        case {"resourceFieldRef": {"resource": "requests.cpu"}}:
            return str(cores(container))
        case {"secretKeyRef": _}:
            return None
        case other:
            raise NotImplementedError(f"charts/berth gives no pod {variable['name']} from {other}")


def _filled_in(value: str, before: Mapping[str, str]) -> str:
    """`$(NAME)` is the value of a variable that stands before; of one that does not it stays, and `$$` is a dollar."""

    def meaning(reference: re.Match[str]) -> str:
        return "$" if reference[1] is None else before.get(reference[1], reference[0])

    return _REFERENCE.sub(meaning, value)


def _of_operator(job: Object, replica: str, index: int) -> dict[str, str]:
    """What pkg/controller.v1/pytorch/envvar.go and master.go add to every container of a job without elasticPolicy."""
    spec = job["spec"]
    pods = sum(each["replicas"] for each in spec["pytorchReplicaSpecs"].values())
    master, rank = pod_name(job, "Master", 0), str(index + (replica == "Worker"))
    return {
        "PYTHONUNBUFFERED": "1",
        "MASTER_PORT": PORT,
        "PET_MASTER_PORT": PORT,
        "MASTER_ADDR": master,
        "PET_MASTER_ADDR": master,
        "WORLD_SIZE": str(pods * int(spec["nprocPerNode"])),
        "RANK": rank,
        "PET_NODE_RANK": rank,
        "PET_NPROC_PER_NODE": spec["nprocPerNode"],
        "PET_NNODES": str(pods),
    }
