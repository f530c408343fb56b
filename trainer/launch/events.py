"""Why a run's pods do not start, or why it has ended, in words."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from trainer.errors import ClusterError
from trainer.launch import jobs, logs
from trainer.launch.cluster import Cluster
from trainer.launch.jobs import Job
from trainer.launch.object import Object
from trainer.launch.symptoms import Explanation, Sign, explain, of_events, of_job, of_pod


@dataclass(frozen=True)
class Event:
    """One reason, and all that it holds back."""

    about: list[str]
    """`master-0`, `worker-7`, `job`."""
    words: str
    remedy: str
    said: str
    """In Kubernetes' own words."""


def events(cluster: Cluster, name: str) -> list[Event]:
    """What holds a run back or has ended it, what holds now before what may be over; empty where there is nothing.

    Raises:
        ClusterError: there is no such run, or the cluster is not reached or refuses.
    """
    job = jobs.one(cluster, name)
    with cluster.asked("events"):
        said = cluster.read(f"/api/v1/namespaces/{cluster.namespace}/events")["items"]
    return reasons(job, said, _last_words(cluster, job))


def reasons(job: Job, said: Iterable[Object], last_words: str = "") -> list[Event]:
    """The same of objects that were read.

    Args:
        job: and its pods.
        said: the events of the namespace.
        last_words: with which the Master's log ends, if it has failed.
    """
    now = [meaning for pod in job.pods if (meaning := _first(_of_pod(pod, last_words)))]
    of_the_job = [meaning for sign in of_job(job) if (meaning := explain(sign))]
    settled = job.complete or job.ended or job.phase == "Suspended"
    warned = [] if settled else [_meant(sign) for sign in of_events(job, list(said))]
    return _grouped([*now, *(of_the_job if not now else ()), *warned])


def _of_pod(pod: Object, last_words: str) -> Iterator[Sign]:
    """Its signs; the exit code of a Master with what it said last."""
    for sign in of_pod(pod):
        if sign.about == "master-0" and sign.reason.startswith("Exit "):
            yield replace(sign, message=sign.message or last_words)
        else:
            yield sign


def _first(signs: Iterable[Sign]) -> Explanation | None:
    return next((meaning for sign in signs if (meaning := explain(sign))), None)


def _meant(sign: Sign) -> Explanation:
    return explain(sign) or Explanation(sign.about, str(sign), "see `kubectl describe`", str(sign))


def _grouped(meanings: Iterable[Explanation]) -> list[Event]:
    """Each reason once, with all that it is said of."""
    found: dict[str, Event] = {}
    for each in meanings:
        event = found.setdefault(each.words, Event([], each.words, each.remedy, each.said))
        if each.about not in event.about:
            event.about.append(each.about)
    return list(found.values())


def _last_words(cluster: Cluster, job: Job) -> str:
    """The line with which a Master that failed says why; empty where its log is gone."""
    if job.phase != "Failed" or job.master is None:
        return ""
    try:
        lines = [line.text for line in logs.read(cluster, job.master, tail=50)]
    except ClusterError:
        return ""
    told = [line for line in lines if line.startswith("berth: ")]
    return re.sub(r"^berth: ", "", (told or lines or [""])[-1])
