"""TorchX's scheduler `berth`: the component `bert` -> a release of charts/berth in the current namespace of kubeconfig.

An app is a run and has its name. To cancel it is to stop it: it is saved and suspended, `berth resume` continues it.
What is raised is Berth's own; `trainer.cli.torchx` says it on TorchX's command line.
"""

import builtins
import json
import logging
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cached_property
from typing import Any

import yaml
from torchx import specs
from torchx.schedulers.api import DescribeAppResponse, ListAppResponse, Scheduler, Stream
from torchx.specs import AppDryRunInfo, AppState, ReplicaStatus, RoleStatus

from trainer.errors import ClusterMissing, InputError
from trainer.launch import jobs, kueue, logs, stopping, submission
from trainer.launch.cluster import Cluster
from trainer.launch.component import OVERRIDES, RUN
from trainer.launch.jobs import Job
from trainer.launch.logs import Line
from trainer.launch.release import Release, planned

_STATES = {
    "Pending": AppState.PENDING,
    "Running": AppState.RUNNING,
    "Restarting": AppState.PENDING,
    "Succeeded": AppState.SUCCEEDED,
    "Failed": AppState.FAILED,
    "Unknown": AppState.UNKNOWN,
}
"""By the phase of a run or of a pod."""


class BerthScheduler(Scheduler[dict[str, Any]]):
    """See the module."""

    def __init__(self, session_name: str) -> None:
        super().__init__("berth", session_name)

    @cached_property
    def cluster(self) -> Cluster:
        """That of kubeconfig; not asked for before it is needed."""
        return Cluster.connect()

    def schedule(self, dryrun_info: AppDryRunInfo[Release]) -> str:
        """Make the release, as `berth submit` does; the run's name."""
        release = dryrun_info.request
        submission.submit(self.cluster, release)
        return release.name

    def describe(self, app_id: str) -> DescribeAppResponse | None:
        """None: there is no such run."""
        try:
            return described(jobs.one(self.cluster, app_id))
        except ClusterMissing:
            return None

    def list(self) -> builtins.list[ListAppResponse]:
        """The runs of the namespace."""
        return [ListAppResponse(job.name, state(job)) for job in jobs.every(self.cluster)]

    def log_iter(
        self,
        app_id: str,
        role_name: str,
        k: int = 0,
        regex: str | None = None,
        since: datetime | None = None,  # noqa: ARG002 - TorchX passes it
        until: datetime | None = None,  # noqa: ARG002 - TorchX passes it
        should_tail: bool = False,
        streams: Stream | None = None,
    ) -> Iterable[str]:
        """The log of one pod; `since` and `until` are left aside, and Kubernetes keeps no streams apart."""
        if streams not in (None, Stream.COMBINED):
            raise ValueError(f"--streams {streams.value}: a pod has one log; ask for combined")
        lines = self._lines(app_id, f"{role_name}-{k}", follow=should_tail)
        return (f"{line.text}\n" for line in lines if re.search(regex or "", line.text))

    def _lines(self, name: str, pod: str, *, follow: bool) -> Iterator[Line]:
        for found in logs.chosen(jobs.one(self.cluster, name), pod):
            with logs.opened(self.cluster, found, follow=follow) as lines:
                yield from lines

    def _submit_dryrun(self, app: specs.AppDef, cfg: dict[str, Any]) -> AppDryRunInfo[Release]:
        if RUN not in app.metadata:
            remedy = "name trainer/launch/component.py:bert"
            raise InputError(app.name, "the scheduler berth starts training runs only", remedy)
        source, overrides = app.metadata[RUN], tuple(json.loads(app.metadata[OVERRIDES]))
        files = [file for file in (cfg["values"] or "").split(";") if file]
        release = planned(source, overrides, files, cfg["workers"], self.cluster.namespace)
        release.objects()  # what the chart refuses is said now
        return AppDryRunInfo(release, lambda planned: yaml.safe_dump_all(planned.objects(), sort_keys=False))

    def _validate(self, app: specs.AppDef, scheduler: str) -> None:
        """Not TorchX's own: what a pod asks for is said by the chart's values, not by the role."""

    def _cancel_existing(self, app_id: str) -> None:
        stopping.stop(self.cluster, app_id, logging.getLogger(__name__).info)

    def _run_opts(self) -> specs.runopts:
        options = specs.runopts()
        options.add("values", str, help="files of the chart's values, with ; between them", default=None)
        options.add("workers", int, help="Worker pods; as the files say where it is not given", default=None)
        return options


def state(job: Job) -> AppState:
    """A run that is suspended was cancelled, unless it waits in a queue of Kueue's."""
    if job.phase == "Suspended":
        return AppState.PENDING if kueue.queued(job) else AppState.CANCELLED
    return _STATES[job.phase]


def described(job: Job) -> DescribeAppResponse:
    """A run in TorchX's words: its roles are `master` and `worker`, a replica is a pod."""
    counts = {"master": 1, "worker": job.workers_wanted}
    message = job.conditions()[-1].get("message", "") if job.conditions() else ""
    return DescribeAppResponse(
        job.name,
        state(job),
        job.restarts,
        message,
        roles=[specs.Role(kind, image=_image(job, kind), num_replicas=count) for kind, count in counts.items()],
        roles_statuses=[RoleStatus(kind, _replicas(job, kind)) for kind in counts],
    )


def create_scheduler(session_name: str, **_others: object) -> BerthScheduler:
    """What TorchX calls, by the entry point `torchx.schedulers`."""
    return BerthScheduler(session_name)


def _image(job: Job, kind: str) -> str:
    template = job.object["spec"]["pytorchReplicaSpecs"].get(kind.title(), {}).get("template")
    return template["spec"]["containers"][0]["image"] if template else ""


def _replicas(job: Job, kind: str) -> list[ReplicaStatus]:
    pods = [pod for pod in job.pods if jobs.short_name(pod).startswith(kind)]
    return [
        ReplicaStatus(int(jobs.short_name(pod).rpartition("-")[2]), _STATES[pod["status"]["phase"]], kind, "")
        for pod in pods
    ]
