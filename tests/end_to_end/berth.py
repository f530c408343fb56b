"""The command `berth` as a process of its own, with what a test does to it: signals, a killed worker."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil

T = TypeVar("T")


class Berth:
    """A `berth` command that runs in a folder. Nothing is replaced: real Ray, real workers, real W&B in offline
    mode.
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._output = folder / f"output-{time.monotonic_ns()}.txt"
        with self._output.open("w") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "trainer", *arguments],
                cwd=folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
            )

    @property
    def pid(self) -> int:
        """The driver's."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def wait(self, seconds: float = 600) -> tuple[int, str]:
        """The exit code and all that was printed."""
        return self._process.wait(seconds), self.said

    def end(self) -> None:
        """Whatever it is doing: no test leaves a process behind."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.terminate()
            self._process.wait(60)

    def wait_for(self, file: Path, seconds: float = 300) -> "Berth":
        """Until the file is there."""
        deadline = time.monotonic() + seconds
        while not file.exists():
            assert self._process.poll() is None, f"ended before {file} was written: {self.wait()}"
            assert time.monotonic() < deadline, f"{file} was not written in {seconds} s"
            time.sleep(0.02)
        return self

    @property
    def said(self) -> str:
        return self._output.read_text()

    def wait_to_hear(self, pattern: str, seconds: float = 240) -> re.Match[str]:
        """Until it has said this."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.said, re.DOTALL)):
            assert self._process.poll() is None, self.said
            assert time.monotonic() < deadline, f"not said in {seconds} s: {pattern}\n{self.said}"
            time.sleep(0.1)
        return found

    def interrupt(self, how: signal.Signals = signal.SIGINT) -> "Berth":
        """What Ctrl-C does; SIGTERM is how a pod, a batch system or systemd asks."""
        self._process.send_signal(how)
        return self

    def kill(self) -> "Berth":
        """What a node that fails does to its driver."""
        self._process.kill()
        self._process.wait()
        return self

    def kill_a_worker(self, how: signal.Signals = signal.SIGKILL) -> "Berth":
        """Send a signal to one process of Ray Train's worker group; SIGSTOP makes it hang."""
        children = psutil.Process(self._process.pid).children(recursive=True)
        workers = [child for child in children if "RayTrainWorker" in child.name() + " ".join(child.cmdline())]
        assert len(workers) == 2, [child.cmdline() for child in children]
        workers[-1].send_signal(how)
        return self


def below(process: int, look: Callable[[psutil.Process], T]) -> list[T]:
    """What `look` sees of each process that was started below this one; of those that end meanwhile nothing."""
    seen: list[T] = []
    for child in psutil.Process(process).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            seen.append(look(child))
    return seen


def until(there: Callable[[], bool], seconds: float = 300) -> None:
    """Wait for what is true some time; an OSError says that it is not yet."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if there():
                return
        except OSError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.2)
