"""Runs in a queue of Kueue's. It starts again whatever is merely suspended while its Workload is admitted, so a run is
stopped by making the Workload inactive: Kueue then suspends the job, and keeps it so.
"""

from kubernetes.client import ApiException

from trainer.launch.cluster import Cluster
from trainer.launch.jobs import Job

GROUP = "kueue.x-k8s.io"
_QUEUE, _JOB = f"{GROUP}/queue-name", f"{GROUP}/job-uid"


def queued(job: Job) -> bool:
    """Whether a run names a queue."""
    return _QUEUE in job.object["metadata"].get("labels", {})


def set_active(cluster: Cluster, job: Job, *, active: bool) -> bool:
    """Let Kueue hold a run back, or start it when there is room; False where Kueue knows nothing of the run.

    Raises:
        ClusterError: the cluster is not reached or refuses.
    """
    with cluster.asked(f"Workload of PyTorchJob {job.name}"):
        try:
            version = cluster.read(f"/apis/{GROUP}")["preferredVersion"]["version"]
        except ApiException as error:
            if error.status != 404:
                raise
            return False
        path = f"/apis/{GROUP}/{version}/namespaces/{job.namespace}/workloads"
        found = cluster.read(path, labelSelector=f"{_JOB}={job.object['metadata']['uid']}")["items"]
        for each in found:
            name, change = each["metadata"]["name"], {"spec": {"active": active}}
            cluster.custom.patch_namespaced_custom_object(GROUP, version, job.namespace, "workloads", name, change)
    return bool(found)
