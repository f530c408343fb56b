"""The training operator's part: `restartPolicy: ExitCode`, scaling, and an outcome that is the Master's.

What it goes by are the objects in the job's folder, which may change while it runs. As the operator it leaves pods that
run as they are; new ones get what is written then.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from pathlib import Path

from trainer.launch.object import Object
from trainer.launch.pods.container import script, volumes
from trainer.launch.pods.folder import JobFolder, only
from trainer.launch.pods.local_pod import Pod, address, bridge
from trainer.launch.pods.variables import of_pod, pod_name

MASTER = "master-0"
LOOK_EVERY = 0.2
"""Seconds."""
RESTART_SECONDS = 1.0
"""Until an operator has seen that a pod has ended."""


class Job:
    """A job that runs in the thread that calls `serve`.

    Args:
        folder: with its objects.
        claimed: the folder that stands for its volume.
        hear: is told the short name of a pod and a line that it prints.
        say: is told what the operator does.
    """

    def __init__(
        self, folder: JobFolder, claimed: Path, hear: Callable[[str, str], None], say: Callable[[str], None]
    ) -> None:
        self.outcome: int | None = None
        self.pods: dict[str, Pod] = {}
        """Those that are there, by their short names: `master-0`, `worker-1`."""
        self.not_before: dict[str, float] = {}
        """Until when a pod that has ended is not made anew, by the monotonic clock."""
        self._folder = folder
        self._claimed = claimed
        self._hear = hear
        self._say = say
        self._numbers = count()
        self._stopping = False
        self._succeeded: set[str] = set()
        self._told: dict[str, str] = {}
        self._read = 0
        self._objects: Sequence[Object] = []
        bridge()

    def serve(self) -> int | None:
        """Be the operator until the job is over; the outcome, None if it was stopped before it had one."""
        while True:
            self._read_again()
            for name in list(self.pods):
                self._look_at(name)
            if self._over and not self.pods:
                return self.outcome
            wanted = [] if self._over else self._wanted()
            for name in self.pods:
                if name not in wanted:
                    self.delete(name)
            for name in wanted:
                if name not in self.pods | dict.fromkeys(self._succeeded) and self._may_begin(name):
                    self._begin(name)
            self._tell_news()
            time.sleep(LOOK_EVERY)

    def stop(self) -> None:
        """Delete all pods, which save first, as `berth stop` does; `serve` returns when they are gone."""
        self._stopping = True

    def delete(self, name: str) -> None:
        """What `kubectl delete pod` does: the pod has its time to save and end."""
        self.pods[name].terminate(self._spec(name)["terminationGracePeriodSeconds"])

    @property
    def workers(self) -> int:
        """Worker pods that are wanted."""
        return self._job["spec"]["pytorchReplicaSpecs"]["Worker"]["replicas"]

    def known(self) -> dict[str, str]:
        """The addresses that pods can look up by name."""
        return {pod.name: pod.ip for pod in self.pods.values()}

    @property
    def _over(self) -> bool:
        return self._stopping or self.outcome is not None

    @property
    def _job(self) -> Object:
        return only("PyTorchJob", self._objects)

    def _read_again(self) -> None:
        if (changed := self._folder.changed) != self._read:
            self._objects = self._folder.read()
            self._read = changed

    def _wanted(self) -> list[str]:
        return [MASTER, *(f"worker-{index}" for index in range(self.workers))]

    def _may_begin(self, name: str) -> bool:
        return time.monotonic() >= self.not_before.get(name, 0)

    def _spec(self, name: str) -> Object:
        return self._job["spec"]["pytorchReplicaSpecs"][_replica(name)[0]]["template"]["spec"]

    def _begin(self, name: str) -> None:
        replica, index = _replica(name)
        number, spec, folder = next(self._numbers), self._spec(name), self._folder.path
        full, ip = pod_name(self._job, replica, index), address(number)
        seen = volumes(spec, self._objects, folder, self._claimed)
        made = script(spec, full, ip, of_pod(self._job, replica, index, ip), folder, seen)
        pod = self.pods[name] = Pod(full, number, folder / f"{full}.hosts", made, partial(self._hear, name))
        self._say(f"{name} has started, process {pod.pid}, address {ip}")

    def _tell_news(self) -> None:
        """Of addresses."""
        if (known := self.known()) != self._told:
            for pod in self.pods.values():
                pod.know(known)
            self._told = known

    def _look_at(self, name: str) -> None:
        code = self.pods[name].ended()
        if code is None:
            return
        del self.pods[name]
        if self._over or name not in self._wanted():
            self._say(f"{name} is gone")
        elif code >= 128:
            self._say(f"{name} has ended with exit code {code}, and is made anew")
            self.not_before[name] = max(self.not_before.get(name, 0), time.monotonic() + RESTART_SECONDS)
        elif name == MASTER or code != 0:
            self._say(f"{name} has ended with exit code {code}, and the job with it")
            self.outcome = code
        else:
            self._succeeded.add(name)


def _replica(name: str) -> tuple[str, int]:
    """`worker-1` -> Worker, 1."""
    replica, _, index = name.partition("-")
    return replica.capitalize(), int(index)
