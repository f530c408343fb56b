"""The driver's own watchdog: it must not hang either, on storage that never answers for one.

A thread ends the process when the main thread is not back in time. As long as the process computes it is let be:
what hangs, waits.
"""

import os
import sys
import threading
import time
import traceback
from collections.abc import Generator
from contextlib import contextmanager

from trainer.errors import Stalled

_LOOK_EVERY = 1.0
_BUSY = 0.2
"""Share of a core from which on the process counts as at work. Ray's threads in it need a hundredth."""


class Alarm:
    """Goes off unless it is set anew in time."""

    def __init__(self, seconds: float) -> None:
        self.over = threading.Event()
        self.within(seconds)

    def within(self, seconds: float) -> None:
        """The main thread is back in so many seconds, or it hangs."""
        self._seconds = seconds
        self._set_at = time.monotonic()

    def wait(self) -> None:
        """Watch until it is `over`; end the process if the main thread hangs."""
        computed = time.process_time()
        while not self.over.wait(_LOOK_EVERY):
            before, computed = computed, time.process_time()
            if computed - before > _BUSY * _LOOK_EVERY:
                self._set_at = time.monotonic()
            elif time.monotonic() - self._set_at > self._seconds:
                _end(self._seconds)


@contextmanager
def alarm(seconds: float) -> Generator[Alarm]:
    """An alarm for the calling thread, which goes off in so many seconds and as long as the block lasts."""
    bell = Alarm(seconds)
    threading.Thread(target=bell.wait, name="alarm", daemon=True).start()
    try:
        yield bell
    finally:
        bell.over.set()


def _end(seconds: float) -> None:
    main = threading.main_thread().ident
    stack = traceback.extract_stack(sys._current_frames()[main or 0])  # pyright: ignore[reportPrivateUsage]
    own = [frame for frame in stack if f"{os.sep}trainer{os.sep}" in frame.filename] or [*stack]
    last = own[-1]
    sys.stderr.write("".join(traceback.format_list(stack)))
    sys.stderr.write(
        f"berth: the driver hangs, for {seconds / 60:.3g} minutes by now, in {last.name} ({last.line}); "
        "the same command continues from the last checkpoint\n"
    )
    sys.stderr.flush()
    os._exit(Stalled.exit_code)  # no thread that hangs is waited for; Ray's processes end with this one
