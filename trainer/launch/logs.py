"""What a run's pods have said, in the order of time; `following` goes on with what they will say."""

import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from trainer.errors import ClusterError, ConfigError
from trainer.launch import jobs
from trainer.launch.cluster import Cluster
from trainer.launch.jobs import Job, short_name
from trainer.launch.object import Object
from trainer.launch.symptoms import why

_CONTAINER = "pytorch"
_PATIENCE = 30.0
"""Seconds; the node may be lost."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Line:
    """A line of a pod's log."""

    pod: str
    """`master-0`, `worker-7`."""
    time: str
    """When the node got it, in RFC 3339; sorts as text within a pod."""
    text: str

    @classmethod
    def of(cls, pod: str, raw: str) -> "Line | None":
        """A line as the API gives it, its time in front; None where it has none: it is the node's own, which says
        that the log of a pod is no more.
        """
        time, _, text = raw.partition(" ")
        return cls(pod, time, text) if _TIME.match(time) else None


def seconds_of(text: str) -> int:
    """A duration such as `90s`, `10m` or `2h`, in seconds.

    Raises:
        ConfigError: it is none.
    """
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if not found or not int(found[1]):
        raise ConfigError("--since", f"{text!r} is no duration", "write it as 90s, 10m, 2h or 1d")
    return int(found[1]) * _UNITS[found[2]]


def read(cluster: Cluster, pod: Object, *, since: int | None = None, tail: int | None = None) -> list[Line]:
    """The log of a pod as far as it is.

    Args:
        cluster: where the pod is.
        pod: as the API gives it.
        since: only of the last so many seconds.
        tail: only the last so many lines.

    Raises:
        ClusterError: the cluster is not reached or refuses, or the pod has no log.
    """
    with opened(cluster, pod, since=since, tail=tail, patience=_PATIENCE) as lines:
        return list(lines)


@contextmanager
def opened(
    cluster: Cluster,
    pod: Object,
    *,
    follow: bool = False,
    since: int | None = None,
    tail: int | None = None,
    patience: float | None = None,
) -> Generator[Iterator[Line]]:
    """The lines of a pod's log as they come, as long as the block lasts; with `follow` until its container ends, or
    until nothing has come for `patience` seconds, which is an error.

    Raises:
        ClusterError: as `read`, also while the lines are read.
    """
    asked, of = query(follow=follow, since=since, tail=tail), short_name(pod)
    with cluster.asked(f"log of pod {pod['metadata']['name']}"), cluster.stream(path(pod), patience, **asked) as answer:
        yield (line for raw in raw_lines(answer.stream(amt=None)) if (line := Line.of(of, raw)))


def raw_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Lines of what comes in pieces; what breaks off in the middle of one is the last."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (each.decode(errors="replace") for each in whole)
    if rest:
        yield rest.decode(errors="replace")


def snapshot(
    cluster: Cluster, name: str, pod: str | None = None, *, since: int | None = None, tail: int | None = None
) -> list[Line]:
    """What the pods of a run, or one of them, have said, in the order of time; see `read`.

    Raises:
        ClusterError: there is no such run or pod, or no pod of it has started; and as `read`.
    """
    job = jobs.one(cluster, name)
    asked = chosen(job, pod)
    started = [each for each in asked if has_log(each)]
    if not started:
        reason = next((meaning for each in asked if (meaning := why(each))), None)
        remedy = reason.remedy if reason else f"see `berth status {name}`"
        raise ClusterError(f"run {name}", f"no pod has started: {reason.words if reason else job.phase}", remedy)
    lines = [line for each in started for line in read(cluster, each, since=since, tail=tail)]
    return sorted(lines, key=lambda line: line.time)


def chosen(job: Job, pod: str | None) -> list[Object]:
    """The pods that are asked for.

    Raises:
        ClusterError: the job has no such pod.
    """
    known = ["master-0", *(f"worker-{index}" for index in range(job.workers_wanted))]
    if pod is not None and pod not in known:
        raise ClusterError(f"run {job.name}", f"it has no pod {pod!r}", f"choose of {_few(known)}")
    return [each for each in job.pods if pod in (None, short_name(each))]


def _few(names: list[str]) -> str:
    return ", ".join(names) if len(names) < 5 else f"{', '.join(names[:2])} to {names[-1]}"


def _states(pod: Object) -> Iterator[Object]:
    for status in pod["status"].get("containerStatuses", []):
        if status["name"] == _CONTAINER:
            yield status["state"]


def has_log(pod: Object) -> bool:
    """Whether its container has started."""
    return any("running" in state or "terminated" in state for state in _states(pod))


def has_ended(pod: Object) -> bool:
    """Whether its container will say no more."""
    return any("terminated" in state for state in _states(pod))


def path(pod: Object) -> str:
    """Of its log, in the API."""
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}/log"


def query(*, follow: bool, since: int | None = None, tail: int | None = None) -> dict[str, Any]:
    """What of a log is asked for: all, or what `read` says."""
    asked = {"container": _CONTAINER, "timestamps": "true", "follow": str(follow).lower()}
    asked |= {} if since is None else {"sinceSeconds": str(since)}
    return asked | ({} if tail is None else {"tailLines": str(tail)})
