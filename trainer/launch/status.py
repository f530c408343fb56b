"""A run on one screen: what Kubernetes says of its job and pods, and its Master's log of the training.

Two calls to the API server for all runs, at most four for one.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from trainer.errors import ClusterError
from trainer.launch import jobs, logs, progress
from trainer.launch.cluster import Cluster
from trainer.launch.jobs import Job, Phase
from trainer.launch.progress import Progress
from trainer.launch.symptoms import explain, of_job, why

LINES = 10_000
"""Of the Master's log that are read: over a day of training, and less than a MB."""


@dataclass(frozen=True)
class Summary:
    """A run as Kubernetes sees it."""

    name: str
    namespace: str
    phase: Phase
    workers_running: int
    """Worker pods that run."""
    workers_wanted: int
    """Worker pods that the job asks for."""
    age_seconds: int
    waits_for: str | None
    """What keeps it from training, in words."""

    @classmethod
    def of(cls, job: Job, now: datetime) -> "Summary":
        age = int((now - job.created).total_seconds())
        return cls(job.name, job.namespace, job.phase, job.workers_running, job.workers_wanted, age, _waits_for(job))


@dataclass(frozen=True)
class Status:
    """A run as its Master sees it too."""

    run: Summary
    progress: Progress
    restarts: int
    """How often workers began again since the Master's pod was made, and containers of the pods that are there."""
    log: str | None
    """Why there is no log to read; None where there is one."""


def every(cluster: Cluster, *, everywhere: bool = False) -> list[Summary]:
    """All runs of the cluster's namespace, or of all namespaces.

    Raises:
        ClusterError: the cluster is not reached or refuses.
    """
    now = datetime.now(UTC)
    return [Summary.of(job, now) for job in jobs.every(cluster, everywhere=everywhere)]


def one(cluster: Cluster, name: str) -> Status:
    """A run of the cluster's namespace.

    Raises:
        ClusterError: there is none, or the cluster is not reached or refuses.
    """
    job = jobs.one(cluster, name)
    lines, problem = _log(cluster, job)
    return status(job, lines, problem, datetime.now(UTC))


def status(job: Job, lines: list[str], problem: str | None, now: datetime) -> Status:
    """The same of what was read.

    Args:
        job: and its pods.
        lines: of the Master's log.
        problem: why there are none.
        now: when it was read.
    """
    told = progress.read(lines)
    if job.phase != "Running":
        told = _at_rest(told)
    return Status(Summary.of(job, now), told, job.restarts + told.failures, problem)


def _at_rest(told: Progress) -> Progress:
    """What the log of a run that does not train says of the time when it did."""
    return Progress(
        told.stage,
        told.step,
        told.steps,
        loss=told.loss,
        workers=0,
        failures=told.failures,
        last_failure=told.last_failure,
        checkpoint=told.checkpoint,
        wandb=told.wandb,
    )


def _log(cluster: Cluster, job: Job) -> tuple[list[str], str | None]:
    if job.master is None or not logs.has_log(job.master):
        return [], "the Master's pod has not started" if not job.ended else "the Master's pod is no more"
    try:
        return [line.text for line in logs.read(cluster, job.master, tail=LINES)], None
    except ClusterError as error:
        return [], error.problem


def _waits_for(job: Job) -> str | None:
    if job.ended:
        return None
    held = [meaning.words for sign in of_job(job) if (meaning := explain(sign))]
    reasons = [f"{meaning.about}: {meaning.words}" for pod in job.pods if (meaning := why(pod))]
    return next(iter([*held, *reasons]), None if job.pods else f"no pod was made; see `berth events {job.name}`")
