"""Saves while training goes on: a step waits only until the state is copied, a thread of low priority writes it.

One save is written at a time. What goes wrong in the thread is raised where the training looks: `busy`, `save`, `wait`.
"""

import contextlib
import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

from tokenizers import Tokenizer

from trainer.engine.checkpoint import Checkpoints
from trainer.engine.snapshot import Memory, Snapshot
from trainer.engine.state import Record, State

_NICENESS = 10
"""Of the thread that writes: where all cores train, it takes little from them. More would let it starve."""


class Saver:
    """Writes the states of one stage; on one worker only."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints
        self._memory = Memory()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="saver", initializer=_yield_the_cores)
        self._writing: Future[None] | None = None
        self._give_up = threading.Event()
        self._last: Record = {}

    @property
    def busy(self) -> bool:
        """Whether a save is being written.

        Raises:
            BerthError: the one before could not be.
        """
        if self._writing is None:
            return False
        if self._writing.done():
            self.wait()
            return False
        return True

    def figures(self) -> Record:
        """Of the newest checkpoint that is complete: its step and the seconds that writing it took; empty before."""
        return self._last

    def save(self, state: State, tokenizer: Tokenizer) -> None:
        """Copy the state and begin to write it; waits for the one before.

        Raises:
            BerthError: the one before could not be written.
        """
        self.wait()
        self._writing = self._thread.submit(self._write, self._memory.snapshot(state, tokenizer))

    def save_now(self, state: State, tokenizer: Tokenizer) -> None:
        """Write the state in the calling thread, which has nothing else to do; waits for the one before.

        Raises:
            BerthError: one of them could not be written.
        """
        self.wait()
        self._write(self._memory.snapshot(state, tokenizer))

    def wait(self) -> None:
        """Return when everything is written.

        Raises:
            BerthError: it could not be.
        """
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def __enter__(self) -> "Saver":
        return self

    def __exit__(self, *_: object) -> None:
        """End the thread: what is being written is written to its end, but storage that is away is not waited for."""
        self._give_up.set()
        self._thread.shutdown()

    def _write(self, snapshot: Snapshot) -> None:
        begin = time.monotonic()
        self._checkpoints.write(snapshot, self._give_up)
        self._last = {"checkpoint/step": snapshot.step, "checkpoint/seconds": round(time.monotonic() - begin, 3)}


def _yield_the_cores() -> None:
    with contextlib.suppress(OSError):  # only Linux knows priorities of threads
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
