"""The runs of a cluster as they are just now: PyTorchJobs and their pods, read in two calls however many there are."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from trainer.launch.cluster import GROUP, PLURAL, VERSION, Cluster
from trainer.launch.object import Object

Phase = Literal["Pending", "Running", "Restarting", "Suspended", "Succeeded", "Failed"]

LABEL = "training.kubeflow.org/job-name"
_OPERATOR = "training.kubeflow.org/operator-name=pytorchjob-controller"
_TYPE, _INDEX = "training.kubeflow.org/replica-type", "training.kubeflow.org/replica-index"


@dataclass(frozen=True)
class Job:
    """A run: its PyTorchJob and its pods, the Master's first and then the Workers' by their number."""

    object: Object
    pods: Sequence[Object]

    @property
    def name(self) -> str:
        return self.object["metadata"]["name"]

    @property
    def namespace(self) -> str:
        return self.object["metadata"]["namespace"]

    @property
    def created(self) -> datetime:
        return moment(self.object["metadata"]["creationTimestamp"])

    @property
    def ended(self) -> datetime | None:
        """When it succeeded or failed."""
        held = self._condition("Succeeded") or self._condition("Failed")
        return moment(held["lastTransitionTime"]) if held else None

    @property
    def phase(self) -> Phase:
        """`Running` has a Master that runs; `Restarting` gets a new one; `Pending` waits for its first."""
        for outcome in ("Succeeded", "Failed"):
            if self._condition(outcome):
                return outcome
        if self.object["spec"].get("runPolicy", {}).get("suspend"):
            return "Suspended"
        if self.master and running(self.master):
            return "Running"
        return "Restarting" if self._condition("Restarting") or self._condition("Running") else "Pending"

    @property
    def master(self) -> Object | None:
        return next((pod for pod in self.pods if short_name(pod).startswith("master")), None)

    @property
    def workers_wanted(self) -> int:
        """Worker pods that the job asks for."""
        return self.object["spec"]["pytorchReplicaSpecs"].get("Worker", {}).get("replicas", 0)

    @property
    def workers_running(self) -> int:
        """Worker pods that run."""
        return sum(running(pod) for pod in self.pods if short_name(pod).startswith("worker"))

    @property
    def complete(self) -> bool:
        """Whether all pods run that it asks for."""
        return bool(self.master and running(self.master)) and self.workers_running == self.workers_wanted

    @property
    def restarts(self) -> int:
        """How often a container of a pod that is there now was started again."""
        statuses = [status for pod in self.pods for status in pod.get("status", {}).get("containerStatuses", [])]
        return sum(status["restartCount"] for status in statuses)

    def conditions(self) -> list[Object]:
        """Those that hold."""
        found = self.object.get("status", {}).get("conditions", [])
        return [condition for condition in found if condition["status"] == "True"]

    def _condition(self, kind: str) -> Object | None:
        return next((condition for condition in self.conditions() if condition["type"] == kind), None)


def one(cluster: Cluster, name: str) -> Job:
    """A run of the cluster's namespace.

    Raises:
        ClusterError: there is none, or the cluster is not reached or refuses.
    """
    with cluster.asked(f"PyTorchJob {name}"):
        found = cluster.read(f"/apis/{GROUP}/{VERSION}/namespaces/{cluster.namespace}/{PLURAL}/{name}")
    return Job(found, _pods(cluster, f"{_OPERATOR},{LABEL}={name}", everywhere=False))


def every(cluster: Cluster, *, everywhere: bool = False) -> list[Job]:
    """All runs of the cluster's namespace, or of all namespaces, by name.

    Raises:
        ClusterError: the cluster is not reached or refuses.
    """
    within = "" if everywhere else f"/namespaces/{cluster.namespace}"
    with cluster.asked("PyTorchJobs of all namespaces" if everywhere else "PyTorchJobs"):
        found = cluster.read(f"/apis/{GROUP}/{VERSION}{within}/{PLURAL}")["items"]
    pods: dict[tuple[str, str], list[Object]] = defaultdict(list)
    for pod in _pods(cluster, _OPERATOR, everywhere=everywhere) if found else []:
        pods[pod["metadata"]["namespace"], pod["metadata"]["labels"][LABEL]].append(pod)
    jobs = [Job(job, pods[job["metadata"]["namespace"], job["metadata"]["name"]]) for job in found]
    return sorted(jobs, key=lambda job: (job.namespace, job.name))


def running(pod: Object) -> bool:
    return pod["status"].get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]


def short_name(pod: Object) -> str:
    """What a pod is in its job: `master-0`, `worker-7`."""
    labels = pod["metadata"]["labels"]
    return f"{labels[_TYPE]}-{labels[_INDEX]}"


def moment(text: str) -> datetime:
    """A time as Kubernetes writes it."""
    return datetime.fromisoformat(text).astimezone(UTC)


def _pods(cluster: Cluster, selector: str, *, everywhere: bool) -> list[Object]:
    within = "" if everywhere else f"/namespaces/{cluster.namespace}"
    with cluster.asked("pods"):
        found = cluster.read(f"/api/v1{within}/pods", labelSelector=selector)["items"]
    return sorted(found, key=lambda pod: (pod["metadata"]["labels"][_TYPE], int(pod["metadata"]["labels"][_INDEX])))
