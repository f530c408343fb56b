"""The logs of a run's pods as they grow, through all that may happen to the pods and to the API server.

Each pod has a stream, read by a thread of its own. Every second the main thread looks at the pods: a new one (of a
Master that was made anew, of a run that was scaled) gets a stream, and so does one whose stream broke off. A line has
the time at which the node got it, and a stream is taken up again from the second of its last line on, less what was
seen of that second: the API knows no finer time.
"""

import queue
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

from trainer.errors import ClusterError
from trainer.launch import jobs
from trainer.launch.cluster import Cluster
from trainer.launch.jobs import Job, short_name
from trainer.launch.logs import Line, chosen, has_ended, has_log, path, query, raw_lines
from trainer.launch.object import Object
from trainer.launch.symptoms import why

LOOK_EVERY = 1.0
"""Seconds."""
TRIES = 3
"""After which the log of a pod of a run that has ended counts as lost, such as one on a lost node."""


def follow(
    cluster: Cluster,
    name: str,
    say: Callable[[str], None],
    pod: str | None = None,
    *,
    since: int | None = None,
    tail: int | None = None,
) -> Iterator[Line]:
    """The lines of a run's pods, or of one of them, as they come, until the run has ended or is deleted.

    Args:
        cluster: where the run is.
        name: of the run.
        say: is told why there is nothing to read: what a pod waits for, that the API server is away.
        pod: `master-0`, `worker-7`; None: all.
        since: begin with those of the last so many seconds.
        tail: begin with the last so many lines of each pod.

    Raises:
        ClusterError: there is no such run or pod, or the cluster refuses.
    """
    chosen(jobs.one(cluster, name), pod)
    yield from _Following(cluster, name, say, pod).lines(query(since=since, tail=tail, follow=True))


@dataclass
class Memory:
    """How far a log was read."""

    last: str = ""
    """The time of the last line."""
    seen: set[str] = field(default_factory=set[str])
    """The raw lines of that second."""

    def new(self, raw: str) -> bool:
        """Whether a line was not seen yet; it is from now on."""
        second, known = raw[:19], self.last[:19]
        if second < known or raw in self.seen:
            return False
        if second > known:
            self.seen.clear()
        self.last = raw.partition(" ")[0]
        self.seen.add(raw)
        return True

    @property
    def since(self) -> str:
        """The second to go on with, as the API takes it."""
        return self.last[:19] + re.sub(r"^.{19}(\.\d+)?", "", self.last)


class _Log:
    """One pod's log, which outlives the connections that it is read through."""

    def __init__(self, cluster: Cluster, pod: Object, lines: "queue.SimpleQueue[Line]", begin: dict[str, Any]) -> None:
        self._cluster = cluster
        self._pod = pod
        self._lines = lines
        self._begin = begin
        self._memory = Memory()
        self._stream = 0
        self._reading = False
        self._failures = 0
        self._complete = False
        self._refusal: ApiException | None = None

    @property
    def complete(self) -> bool:
        """Whether nothing more will come, as far as the API can tell."""
        return self._complete or (self._failures >= TRIES and not self._reading)

    def read(self, *, ended: bool) -> None:
        """Open a stream if none is open; `ended` says that the container will say no more.

        Raises:
            ClusterError: the log may not be read.
        """
        if self._refusal is not None:
            with self._cluster.asked(f"log of pod {self._pod['metadata']['name']}"):
                raise self._refusal
        if self._reading or (ended and self.complete):
            return
        self._reading = True
        self._stream += 1
        threading.Thread(target=self._pump, args=(self._stream, ended), daemon=True).start()

    def reopen(self) -> None:
        """The connection is not to be trusted: read on through another."""
        self._stream += 1
        self._reading, self._failures = False, 0

    def _pump(self, stream: int, ended: bool) -> None:
        try:
            with self._cluster.stream(path(self._pod), **self._query()) as answer:
                for raw in raw_lines(answer.stream(amt=None)):
                    if stream != self._stream:
                        return
                    line = Line.of(short_name(self._pod), raw)
                    if line and self._memory.new(raw):
                        self._lines.put(line)
            self._complete = ended
        except (ApiException, HTTPError, HTTPException, OSError) as error:
            self._failures += 1  # the next look tells whether the pod or the API server is gone
            if isinstance(error, ApiException) and error.status in (401, 403):
                self._refusal = error
        finally:
            if stream == self._stream:
                self._reading = False

    def _query(self) -> dict[str, Any]:
        if not self._memory.last:
            return self._begin
        return query(follow=True) | {"sinceTime": self._memory.since}


class _Following:
    def __init__(self, cluster: Cluster, name: str, say: Callable[[str], None], pod: str | None) -> None:
        self._cluster = cluster
        self._name = name
        self._say = say
        self._pod = pod
        self._lines: queue.SimpleQueue[Line] = queue.SimpleQueue()
        self._logs: dict[str, _Log] = {}
        """By the pod's uid."""
        self._told: dict[str, str] = {}
        self._away = False

    def lines(self, begin: dict[str, Any]) -> Iterator[Line]:
        """All lines; `begin` is asked of the pods that are there at first, all is of those that come later."""
        over = False
        while not over:
            try:
                job = self._look()
            except ClusterError as error:
                if getattr(error.__cause__, "status", None) != 404:
                    raise
                self._say(f"run {self._name} is no more")
                return
            if job is not None:
                over = self._read(job, begin)
                begin = query(follow=True)
            yield from self._come(0 if over else LOOK_EVERY)

    def _look(self) -> Job | None:
        """The run and its pods; None while the API server is away.

        Raises:
            ClusterError: the cluster refuses, or the run is no more.
        """
        try:
            job = jobs.one(self._cluster, self._name)
        except ClusterError as error:
            if not _passes(error.__cause__):
                raise
            if not self._away:
                self._say(f"the API server is away ({error.problem}); waiting for it")
            self._away = True
            return None
        if self._away:
            self._say("the API server is back")
            self._away = False
            for log in self._logs.values():
                log.reopen()
        return job

    def _read(self, job: Job, begin: dict[str, Any]) -> bool:
        """Read on in every log; whether nothing more will come of any."""
        pods = [pod for pod in chosen(job, self._pod) if "deletionTimestamp" not in pod["metadata"] or not job.ended]
        for pod in pods:
            if has_log(pod):
                self._log(pod, begin).read(ended=has_ended(pod))
            elif not job.ended and (reason := why(pod)):
                self._tell(reason.about, f"{reason.about} has not started: {reason}")
        if job.phase == "Suspended":
            self._tell("job", "the run is suspended")
        return bool(job.ended) and all(self._log(pod, begin).complete for pod in pods if has_log(pod))

    def _log(self, pod: Object, begin: dict[str, Any]) -> _Log:
        uid = pod["metadata"]["uid"]
        if uid not in self._logs:
            self._logs[uid] = _Log(self._cluster, pod, self._lines, begin)
        return self._logs[uid]

    def _come(self, seconds: float) -> Iterator[Line]:
        """What comes within some seconds; with 0 what is there."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                yield self._lines.get(timeout=max(deadline - time.monotonic(), 0.001))
            except queue.Empty:
                return

    def _tell(self, about: str, text: str) -> None:
        """Say a thing once, until another is to be said."""
        if self._told.get(about) != text:
            self._told[about] = text
            self._say(text)


def _passes(error: BaseException | None) -> bool:
    """Whether a failure is the API server's, which may come back."""
    if isinstance(error, ApiException):
        return (error.status or 500) >= 500
    return isinstance(error, HTTPError | OSError)
