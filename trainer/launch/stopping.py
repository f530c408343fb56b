"""A run that is stopped, resumed or deleted. The operator deletes the pods of a suspended job; the run saves itself on
their way out.
"""

import shutil
import time
from collections.abc import Callable
from contextlib import suppress

from trainer.errors import ClusterError, ClusterMissing
from trainer.launch import jobs, kueue, logs, submission
from trainer.launch.cluster import GROUP, PLURAL, VERSION, Cluster
from trainer.launch.jobs import LABEL, Job, running, short_name
from trainer.launch.object import Object

PATIENCE = 120.0
"""Seconds; pods have 60 to save and go."""


def stop(cluster: Cluster, name: str, say: Callable[[str], None]) -> None:
    """Suspend a run and wait until its pods are gone.

    Args:
        cluster: where the run is.
        name: of the run.
        say: is told the Master's last lines.

    Raises:
        ClusterError: no such run, it has ended, its pods stay, or the cluster is not reached or refuses.
    """
    job = _unfinished(cluster, name)
    _suspend(cluster, job, suspend=True)
    deadline = time.monotonic() + PATIENCE
    if job.master and running(job.master):
        with suppress(ClusterError):  # a log that is not to be had, such as one on a lost node, holds nothing up
            _tell_last_lines(cluster, job.master, deadline, say)
    while pods := jobs.one(cluster, name).pods:
        if time.monotonic() > deadline:
            left = ", ".join(short_name(pod) for pod in pods)
            remedy = "see `kubectl get nodes`: what is on a lost node stays until the Node is deleted"
            raise ClusterError(f"run {name}", f"it is suspended, and after {PATIENCE:g} s pods stay: {left}", remedy)
        time.sleep(1)


def resume(cluster: Cluster, name: str) -> None:
    """Let a suspended run go on where it was saved, in a queue when there is room; one that runs is left alone.

    Raises:
        ClusterError: no such run, it has ended, or the cluster is not reached or refuses.
    """
    job = _unfinished(cluster, name)
    if job.phase == "Suspended":
        _suspend(cluster, job, suspend=False)


def fate_of_volume(cluster: Cluster, name: str) -> str:
    """What deleting a run does to what it has made, in words.

    Raises:
        ClusterError: the cluster is not reached or refuses.
    """
    try:
        with cluster.asked(f"PersistentVolumeClaim {name}"):
            claim = cluster.read(f"/api/v1/namespaces/{cluster.namespace}/persistentvolumeclaims/{name}")
    except ClusterMissing:
        return "what it has made stays in its storage"
    if claim["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep":
        return f"PersistentVolumeClaim {name} stays, and what it has made with it"
    return f"PersistentVolumeClaim {name} IS DELETED, and all that it has made with it"


def delete(cluster: Cluster, name: str) -> None:
    """Delete a run and all that belongs to it, and wait until it is gone.

    Raises:
        ClusterError: no such run, or the cluster is not reached or refuses.
    """
    job = jobs.one(cluster, name)
    if submission.BY_HELM in job.object["metadata"].get("annotations", {}):
        if not shutil.which("helm"):
            raise ClusterError(f"run {name}", "helm has made it and is not on PATH", "install helm, or put it on PATH")
        submission.helm(cluster, "uninstall", name, "--wait")
    else:
        submission.delete_job(cluster, name)
    deadline = time.monotonic() + PATIENCE
    while _left(cluster, name):
        if time.monotonic() > deadline:
            raise ClusterError(f"run {name}", "it is still being deleted", f"see `kubectl get pods -l {LABEL}={name}`")
        time.sleep(1)


def _left(cluster: Cluster, name: str) -> bool:
    """Whether the job is there yet, or a pod of it, which goes after its job."""
    within = f"/namespaces/{cluster.namespace}"
    with cluster.asked(f"what is left of run {name}"):
        found = cluster.read(f"/apis/{GROUP}/{VERSION}{within}/{PLURAL}", fieldSelector=f"metadata.name={name}")
        pods = cluster.read(f"/api/v1{within}/pods", labelSelector=f"{LABEL}={name}")
    return bool(found["items"] or pods["items"])


def _tell_last_lines(cluster: Cluster, master: Object, deadline: float, say: Callable[[str], None]) -> None:
    """Up to the end of its container, or for as long as it may take."""
    with logs.opened(cluster, master, follow=True, since=1, patience=PATIENCE) as lines:
        for line in lines:
            say(line.text)
            if time.monotonic() > deadline:
                return


def _unfinished(cluster: Cluster, name: str) -> Job:
    job = jobs.one(cluster, name)
    if job.phase in ("Succeeded", "Failed"):
        raise ClusterError(f"run {name}", f"it has {job.phase.lower()}", "there is nothing to stop or resume")
    return job


def _suspend(cluster: Cluster, job: Job, *, suspend: bool) -> None:
    if kueue.queued(job) and kueue.set_active(cluster, job, active=not suspend):
        return
    change = {"spec": {"runPolicy": {"suspend": suspend}}}
    with cluster.asked(f"PyTorchJob {job.name}"):
        cluster.custom.patch_namespaced_custom_object(GROUP, VERSION, cluster.namespace, PLURAL, job.name, change)
