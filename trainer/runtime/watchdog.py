"""What hangs is found, shown and ended: a stuck collective, a loader that waits for ever, a frozen process.

The driver sees by the workers' signs (`heartbeat`) whether any of them still finishes something. When none has for too
long, a task on each node takes the workers' stacks and kills them, stopped ones too, and the training goes on from the
last checkpoint as after any other failure. No clocks of two machines are compared.
"""

import linecache
import os
import re
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ray
import ray.exceptions
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from trainer import storage
from trainer.config.operation import Limits
from trainer.errors import StorageError
from trainer.runtime.heartbeat import Sign
from trainer.runtime.proc import process_stat

PATIENCE = 6
"""So many times `limits.stall_minutes` where a group starts, loads, compiles or writes its results."""

_SLOWEST_STEPS = 20
"""A pass may take so many times as long as the slowest before it: a checkpoint or an evaluation comes between two."""
_WRITING = 1.0
"""Seconds that a process has for its stacks; they take some milliseconds."""
_LOOKING = 30.0
"""Seconds for Ray to start a task on each node and bring back what it saw."""
_NAMED = 8
"""Workers that are named in one line."""

_STATES = {
    "": "nothing is seen of its process",
    "T": "its process is stopped",
    "D": "its process waits for a disk",
    "Z": "its process has ended",
}
"""By the letter in /proc/<pid>/stat, man 5 proc."""

_FRAME = re.compile(r'File "(?P<file>.+)", line (?P<line>\d+) in (?P<function>.+)')
_WORKER = re.compile(r'runtime/worker\.py", line \d+ in work$', re.MULTILINE)


def patience(limits: Limits) -> float:
    """The longest silence that is never a stall, in seconds."""
    return 60 * limits.stall_minutes * PATIENCE


class Watch:
    """Sees whether a group gets on."""

    def __init__(self, limits: Limits) -> None:
        self._stall = 60 * limits.stall_minutes
        self._patience = patience(limits)
        self._signs: Sequence[Sign] = ()
        self._heard = time.monotonic()

    def stalled(self, signs: Sequence[Sign], *, heard: bool) -> bool:
        """Whether nothing was finished for too long.

        Args:
            signs: the newest of each worker.
            heard: whether they had something to tell: a point of the curves, a warning.
        """
        if heard or signs != self._signs:
            self._signs, self._heard = signs, time.monotonic()
        return time.monotonic() - self._heard > self.allowed

    @property
    def allowed(self) -> float:
        """Seconds."""
        if not self._signs or not all(sign.steady for sign in self._signs):
            return self._patience
        return max(self._stall, _SLOWEST_STEPS * max(sign.slowest for sign in self._signs))


@dataclass(frozen=True, slots=True)
class LastWords:
    """What was seen of a process before it was killed."""

    state: str
    """The kernel's letter for it; empty where there was no such process."""
    stacks: str
    """Of its threads, as faulthandler writes them and with the text of the lines; empty where it did not answer."""

    def where(self) -> str:
        """In a few words."""
        if not self.stacks:
            return f"does not answer, {_STATES.get(self.state, 'though it runs')}"
        frames = [*_FRAME.finditer(_training_thread(self.stacks))]
        if not frames:
            return "is in no Python code"
        own = next((frame for frame in frames if f"{os.sep}trainer{os.sep}" in frame["file"]), frames[0])
        called = "" if own is frames[0] else f"{frames[0]['function']}, called by "
        return f"is in {called}{own['function']} ({Path(own['file']).name}:{own['line']})"


_UNSEEN = LastWords("", "")


def end(processes: Sequence[tuple[int, int]]) -> list[LastWords]:
    """Kill processes of this machine, and return what they were doing.

    Args:
        processes: pid, and the file descriptor in it to which SIGUSR1 writes its stacks.
    """
    states = ["".join(process_stat(process)[:1]) for process, _ in processes]
    for process, _ in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGUSR1)
    time.sleep(_WRITING)
    last_words = [
        LastWords(state, _stacks(process, file)) for (process, file), state in zip(processes, states, strict=True)
    ]
    for process, _ in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    return last_words


def end_all(signs: Sequence[Sign]) -> dict[int, LastWords]:
    """Kill the workers that have given a sign, wherever they are; what was seen of each, by rank.

    Those on nodes that do not answer are missing.
    """
    nodes = {node: [sign for sign in signs if sign.node == node] for node in {sign.node for sign in signs}}
    tasks: dict[Any, list[Sign]] = {}
    for node, its in nodes.items():
        there = NodeAffinitySchedulingStrategy(node, soft=False)
        task: Any = ray.remote(end).options(num_cpus=0, max_retries=0, scheduling_strategy=there)
        tasks[task.remote([(sign.process, sign.stacks) for sign in its])] = its
    answered, _ = ray.wait(list(tasks), num_returns=len(tasks), timeout=_LOOKING) if tasks else ([], [])
    seen: dict[int, LastWords] = {}
    for answer in answered:
        with suppress(ray.exceptions.RayError):  # the node has gone
            seen |= {sign.rank: words for sign, words in zip(tasks[answer], ray.get(answer), strict=True)}
    return seen


def describe(size: int, seen: dict[int, LastWords]) -> str:
    """What each worker of a group was doing, in a line; those that did not answer come first."""
    words = {rank: seen.get(rank, _UNSEEN) for rank in range(size)}
    ranks = sorted(words, key=lambda rank: (bool(words[rank].stacks), rank))
    named = [f"worker {rank} {words[rank].where()}" for rank in ranks[:_NAMED]]
    return "; ".join([*named, *([f"and {size - _NAMED} more"] if size > _NAMED else [])])


def keep(folder: str, signs: Sequence[Sign], seen: dict[int, LastWords]) -> str:
    """Write what was seen, a text file for each worker that had given a sign, and say where it is."""
    if not signs:
        return "no worker has begun, so there are no stacks"
    place = storage.join(folder, "traces", datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ"))
    try:
        for sign in signs:
            words = seen.get(sign.rank, _UNSEEN)
            head = (
                f"worker {sign.rank}, process {sign.process} of Ray's node {sign.node}\n"
                f"{sign.doing}; {sign.done} forward passes, the slowest took {sign.slowest:.1f} s\n"
                f"{words.where()}\n"
            )
            storage.write_text(storage.join(place, f"worker-{sign.rank}.txt"), f"{head}\n{words.stacks}")
    except StorageError as error:
        return f"their stacks are lost: {error}"
    return f"their stacks are in {place}"


def _stacks(process: int, file: int) -> str:
    try:
        lines = Path(f"/proc/{process}/fd/{file}").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return "".join(f"{line}\n{_text(line)}" for line in lines)


def _text(line: str) -> str:
    frame = _FRAME.search(line)
    text = linecache.getline(frame["file"], int(frame["line"])).strip() if frame else ""
    return f"    {text}\n" if text else ""


def _training_thread(stacks: str) -> str:
    """The stack of the thread that trains, innermost frame first; that of all threads where there is none."""
    return next((stack for stack in stacks.split("\n\n") if _WORKER.search(stack)), stacks)
