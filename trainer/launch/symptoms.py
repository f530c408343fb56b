"""What Kubernetes says of a job and its pods, here and there in its objects: in one form, and explained.

What an object's own status says holds now; an event may be history, so of a pod that runs none is taken.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from trainer.launch.jobs import LABEL, Job, running, short_name
from trainer.launch.object import Object
from trainer.launch.reasons import REASONS

_CONTAINER = "pytorch"


@dataclass(frozen=True)
class Sign:
    """Something that Kubernetes says."""

    run: str
    about: str
    """`master-0`, `worker-7`, `job`."""
    reason: str
    """One word, such as Unschedulable; `Exit N` of a container that ended."""
    message: str = ""

    def __str__(self) -> str:
        return " ".join(f"{self.reason}: {self.message}".split()).removesuffix(":")


@dataclass(frozen=True)
class Explanation:
    """What a sign means, and what to do."""

    about: str
    words: str
    remedy: str
    said: str
    """In Kubernetes' own words."""

    def __str__(self) -> str:
        return f"{self.words}; {self.remedy}"


def explain(sign: Sign) -> Explanation | None:
    """The meaning of a sign; None where the table has none."""
    for pattern, words, remedy in REASONS:
        if found := re.search(pattern, str(sign)):
            caught = {name: value or "" for name, value in found.groupdict().items()}
            caught |= {"run": sign.run, "who": "master" if sign.about.startswith("master") else "worker"}
            return Explanation(sign.about, _filled(words, caught), _filled(remedy, caught), str(sign))
    return None


def _filled(text: str, caught: dict[str, str]) -> str:
    return text.format(**caught).rstrip(" :")


def why(pod: Object) -> Explanation | None:
    """Why a pod does not run; None where it runs, or ended well, or says nothing of it yet."""
    if running(pod):
        return None
    meant = (explain(sign) for sign in of_pod(pod))
    return next((meaning for meaning in meant if meaning), None)


def of_pod(pod: Object) -> Iterator[Sign]:
    """What a pod's status says, the most telling first."""
    said, status = partial(Sign, pod["metadata"]["labels"][LABEL], short_name(pod)), pod["status"]
    if status.get("reason"):
        yield said(status["reason"], status.get("message", ""))
    conditions = {condition["type"]: condition for condition in status.get("conditions", [])}
    for kind, telling in (("DisruptionTarget", "True"), ("PodScheduled", "False")):
        condition = conditions.get(kind, {})
        if condition.get("status") == telling:
            yield said(condition.get("reason", ""), condition.get("message", ""))
    yield from _of_containers(said, status)


def of_job(job: Job) -> Iterator[Sign]:
    """What the job's own conditions say."""
    for condition in job.conditions():
        if condition["type"] in ("Suspended", "Failed"):
            yield Sign(job.name, "job", condition["type"], condition.get("message", ""))


def of_events(job: Job, events: list[Object]) -> Iterator[Sign]:
    """What the warnings among a namespace's events say of a job, its volume claim and those of its pods that do not
    run, the newest first.
    """
    waiting = {pod["metadata"]["name"]: short_name(pod) for pod in job.pods if not running(pod)}
    about = {job.name: "job", **waiting}
    for event in sorted(events, key=when, reverse=True):
        of = event["involvedObject"]
        known = of.get("kind") in ("PyTorchJob", "Pod", "PersistentVolumeClaim") and of.get("name") in about
        if known and event.get("type") == "Warning":
            yield Sign(job.name, about[of["name"]], event.get("reason", ""), event.get("message", ""))


def when(event: Object) -> str:
    """When an event was last seen; sorts as text."""
    series = event.get("series") or {}
    seen = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return seen or event["metadata"]["creationTimestamp"]


def _of_containers(said: Callable[..., Sign], status: Object) -> Iterator[Sign]:
    states = [each for each in status.get("containerStatuses", []) if each["name"] == _CONTAINER]
    for each in [*status.get("initContainerStatuses", []), *states]:
        waiting, ended = each["state"].get("waiting"), each["state"].get("terminated")
        if waiting:
            yield said(waiting["reason"], waiting.get("message", ""))
        if ended and ended["exitCode"]:
            if ended.get("reason") != "Error":
                yield said(ended.get("reason", ""), ended.get("message", ""))
            yield said(f"Exit {ended['exitCode']}", ended.get("message", ""))
