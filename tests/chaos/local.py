"""The lane of this machine: the pods of `job`, and what is done to them, each by its name."""

import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import psutil

from tests.chaos.clock import own_clock, set_clock
from tests.chaos.job import NAME, BreakableJob, plug, processes, write
from tests.chaos.run import MOST_WORKERS, Fault

AWAY_SECONDS = 25.0
"""Until the pod of a lost node is started elsewhere."""


class Local:
    """A job in a folder, which is absent yet."""

    def __init__(self, folder: Path, configuration: Mapping[str, Any]) -> None:
        self.folder = folder
        self._volume.mkdir(parents=True)
        os.environ["BERTH_CACHE"] = str(folder / "cache")  # where the job's objects lie
        environment = {
            "OMP_NUM_THREADS": "1",
            "RAY_memory_monitor_refresh_ms": "0",  # it would see the memory of the whole machine
            **own_clock(self._volume),
        }
        write(folder, configuration, environment)
        self.job = BreakableJob(folder)
        self.faults: Mapping[str, Fault] = {
            "kill worker": partial(self.signal_worker, signal.SIGKILL),
            "freeze worker": partial(self.signal_worker, signal.SIGSTOP),
            "drain Worker pod": self.drain_worker_pod,
            "lose Worker pod": self.lose_worker_pod,
            "kill Master pod": self.kill_master_pod,
            "add Worker pod": partial(self.scale, 1),
            "remove Worker pod": partial(self.scale, -1),
            "cut Worker 20 s": partial(self.cut_worker, 20),
            "cut Worker 5 min": partial(self.cut_worker, 300),
            "forget Master 30 s": partial(self.forget_master, 30),
            "clock +1 h": partial(self.jump_clock, 3600),
            "clock -1 h": partial(self.jump_clock, -3600),
            "tear checkpoint": self.tear_checkpoint,
        }

    def start(self) -> None:
        self.job.start()

    def wait(self, seconds: float) -> int | None:
        return self.job.wait(seconds)

    def end(self) -> None:
        self.job.end()

    def address(self) -> str | None:
        return self.job.master.ip if self.job.master else None

    def saved(self) -> int:
        return max((int(file.parent.name.removeprefix("step-")) for file in self._complete()), default=0)

    def result(self) -> Path:
        return self._volume / NAME / "pretrain"

    def signal_worker(self, how: signal.Signals, random: Random) -> None:
        """One training process, not its pod."""
        pods = self.job.running_workers().values()
        training = [each for pod in pods for each in processes(pod, "ray::RayTrainWorker")]
        if training:  # else no group trains just now
            with suppress(psutil.NoSuchProcess):
                random.choice(training).send_signal(how)

    def drain_worker_pod(self, random: Random) -> None:
        """SIGTERM, and the operator makes the pod anew."""
        self.job.delete(self._some_worker(random))

    def lose_worker_pod(self, random: Random) -> None:
        """Without a word: its node's power fails."""
        self.job.lose(self._some_worker(random), AWAY_SECONDS)

    def kill_master_pod(self, random: Random) -> None:
        if self.job.master:
            self.job.master.kill()

    def scale(self, by: int, random: Random) -> None:
        """`kubectl scale`; from the most or the least it goes the other way."""
        workers = self.job.workers
        self.job.scale(workers + by if 1 <= workers + by <= MOST_WORKERS else workers - by)

    def cut_worker(self, seconds: float, random: Random) -> None:
        """Its network is away; all of its processes live."""
        pod = self.job.pods[self._some_worker(random)]
        plug(pod, connected=False)
        self.job.wait(seconds)
        plug(pod, connected=True)

    def forget_master(self, seconds: float, random: Random) -> None:
        """The name of the Master is unknown; that matters to a pod that comes meanwhile."""
        self.job.resolving = False
        self.drain_worker_pod(random)
        self.job.wait(seconds)
        self.job.resolving = True

    def jump_clock(self, seconds: float, random: Random) -> None:
        """Of every process, and it stays so."""
        set_clock(self._volume, seconds)

    def tear_checkpoint(self, random: Random) -> None:
        """A file of the newest loses its second half, and a worker dies, so that it is read."""
        if newest := self._complete():
            file = random.choice(sorted(newest[-1].parent.iterdir()))
            with suppress(FileNotFoundError), file.open("r+b") as torn:
                torn.truncate(file.stat().st_size // 2)
        self.signal_worker(signal.SIGKILL, random)

    @property
    def _volume(self) -> Path:
        """What all pods share."""
        return self.folder / "runs"

    def _some_worker(self, random: Random) -> str:
        while not (running := self.job.running_workers()):
            time.sleep(0.1)
        return random.choice(list(running))

    def _complete(self) -> list[Path]:
        """Of each checkpoint the file that is written last, the oldest first."""
        return sorted(self.result().glob("checkpoints/step-*/complete.json"))
