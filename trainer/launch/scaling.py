"""Another number of Worker pods for a run, if its batches can be shared out among their workers."""

import math
from typing import Any

from kubernetes.utils import parse_quantity

from trainer.config.load import parse
from trainer.config.schema import Run
from trainer.errors import ClusterError, ClusterMissing
from trainer.launch import jobs
from trainer.launch.cluster import GROUP, PLURAL, VERSION, Cluster
from trainer.launch.object import Object

_MOST_PODS = 1024
"""That sizes are looked for among."""


def scale(cluster: Cluster, name: str, pods: int) -> int:
    """Give a run so many Worker pods; the workers that then train.

    Raises:
        ClusterError: no such run, it has ended or is suspended, its settings do not allow the size, or the cluster is
            not reached or refuses.
    """
    job = jobs.one(cluster, name)
    if job.phase in ("Succeeded", "Failed", "Suspended"):
        remedy = f"`berth resume {name}` first" if job.phase == "Suspended" else "submit another run"
        raise ClusterError(f"run {name}", f"it is {job.phase.lower()} and cannot be scaled", remedy)
    with cluster.asked(f"ConfigMap {name}"):
        found = cluster.read(f"/api/v1/namespaces/{cluster.namespace}/configmaps/{name}")
    run = parse(found["data"]["run.yaml"], f"ConfigMap {name}")
    each = processes(run, job.object["spec"]["pytorchReplicaSpecs"]["Worker"]["template"]["spec"])
    refuse(run, each, pods)
    try:
        with cluster.asked(f"scale of PyTorchJob {name}"):
            cluster.custom.patch_namespaced_custom_object_scale(
                GROUP, VERSION, cluster.namespace, PLURAL, name, {"spec": {"replicas": pods}}
            )
    except ClusterMissing as error:
        remedy = "apply the CRD of training operator 1.9.4, see manifests/cluster"
        raise ClusterError(f"run {name}", "a PyTorchJob of this cluster cannot be scaled", remedy) from error
    return pods * each


def processes(run: Run, pod: Object) -> int:
    """Workers of one pod: one for each GPU, else what its CPUs serve."""
    container: dict[str, Any] = pod["containers"][0]
    if run.scaling.gpus_per_worker:
        return int(container["resources"]["limits"]["nvidia.com/gpu"])
    return cores(container) // run.scaling.cpus_per_worker


def cores(container: Object) -> int:
    """CPU cores that it requests, rounded up."""
    return math.ceil(parse_quantity(container["resources"]["requests"]["cpu"]))


def refuse(run: Run, each: int, pods: int) -> None:
    """Refuse so many pods of `each` workers where the run does not train on them.

    Raises:
        ClusterError: which names the nearest sizes.
    """
    why = _problem(run, pods * each)
    if not why:
        return
    sizes = [size for size in range(1, _MOST_PODS + 1) if not _problem(run, size * each)]
    near = [
        max((size for size in sizes if size < pods), default=None),
        min((s for s in sizes if s > pods), default=None),
    ]
    words = " or ".join(str(size) for size in near if size is not None)
    raise ClusterError(f"run {run.name}", f"{pods} pods make {pods * each} workers, {why}", f"scale it to {words}")


def _problem(run: Run, workers: int) -> str:
    least, most = run.scaling.least_workers, run.scaling.most_workers
    if not least <= workers <= most:
        return f"and scaling.num_workers allows {least} to {most}"
    for stage in run.stages:
        if stage.batch_size % workers:
            return f"which do not divide {stage.name}.batch_size {stage.batch_size}"
    return ""
