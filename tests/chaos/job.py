"""A job on pods of this machine, as `berth run --pods` runs it, whose nodes and names can be taken away."""

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from subprocess import CalledProcessError
from threading import Thread
from typing import Any

import psutil
import yaml

from trainer.launch.pods.folder import JobFolder
from trainer.launch.pods.job import MASTER, Job
from trainer.launch.pods.local_pod import Pod, ip
from trainer.launch.pods.rendering import rendered

NAME = "chaos"


class BreakableJob(Job):
    """A job with two Workers at first, in a thread of its own.

    Args:
        folder: with `run.yaml` and `values.yaml`; gets `logs`.
    """

    def __init__(self, folder: Path) -> None:
        self.resolving = True
        """Whether the name of the Master is known to the other pods; may be set at any time."""
        self._logs = folder / "logs"
        self._logs.mkdir()
        self._rendering = rendered(str(folder / "run.yaml"), (), [str(folder / "values.yaml")], pods=3)
        self._objects_here = JobFolder(NAME)
        super().__init__(self._objects_here, self._rendering.volume, self._keep, lambda line: self._keep("job", line))
        # A pod ends with the thread that started it: with this one, which outlives all.
        self._thread = Thread(target=self._serve_held, name="job", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def scale(self, workers: int) -> None:
        """What `kubectl scale` does, which asks for no divisor of the batch as `berth scale` does."""
        self._objects_here.scale(workers)

    @property
    def master(self) -> Pod | None:
        return self.pods.get(MASTER)

    def running_workers(self) -> dict[str, Pod]:
        """By their short names."""
        return {name: pod for name, pod in sorted(self.pods.copy().items()) if name != MASTER and pod.running}

    def lose(self, name: str, seconds: float) -> None:
        """The node's power fails: not a packet more, and another pod only after some time."""
        pod = self.pods[name]
        self.not_before[name] = time.monotonic() + seconds
        plug(pod, connected=False)
        pod.kill()

    def known(self) -> dict[str, str]:
        addresses = super().known()
        if not self.resolving:
            addresses.pop(f"{NAME}-{MASTER}", None)
        return addresses

    def wait(self, seconds: float) -> int | None:
        """Wait so long for the outcome; all pods are gone then."""
        self._thread.join(seconds)
        return None if self._thread.is_alive() else self.outcome

    def end(self) -> None:
        """Take all of it away."""
        self.stop()
        self._thread.join()
        ip("link", "delete", "pods")

    def _serve_held(self) -> None:
        with self._objects_here.held(self._rendering.objects):
            self.serve()

    def _keep(self, name: str, line: str) -> None:
        with (self._logs / f"{name}.log").open("a") as log:
            log.write(f"{time.strftime('%X')} {line}\n")


def write(folder: Path, configuration: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    """What a `BreakableJob` of the folder starts: the run, and the chart's values."""
    run = {"name": NAME, "storage": str(folder / "runs"), **configuration}
    (folder / "run.yaml").write_text(yaml.safe_dump(run))
    (folder / "values.yaml").write_text(yaml.safe_dump({"pod": {"env": dict(environment)}}))


def plug(pod: Pod, *, connected: bool) -> None:
    """The cable of its network."""
    with suppress(CalledProcessError):  # the pod has ended
        ip("link", "set", pod.link, "up" if connected else "down")


def processes(pod: Pod, text: str) -> list[psutil.Process]:
    """Those of a pod with a text in their command line."""
    found: list[psutil.Process] = []
    with suppress(psutil.Error):
        for process in psutil.Process(pod.pid).children(recursive=True):
            with suppress(psutil.Error):
                if text in " ".join(process.cmdline()):
                    found.append(process)
    return found
