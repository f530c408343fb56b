"""What the steps since the last look took, and on how much they trained."""

import time
from collections.abc import Generator
from contextlib import contextmanager

from trainer.config.schema import Training
from trainer.engine.state import Record


class Clock:
    """Runs while a worker trains; what lies between two steps, such as an evaluation, is left out."""

    def __init__(self, settings: Training, peak: float | None) -> None:
        """`peak`: FLOP/s that all workers could do together, if that is known."""
        self._peak = peak
        self._room = settings.batch_size * settings.max_length
        self._last = time.monotonic()
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._steps = 0
        self._tokens = self._flop = self._seconds = self._waited = 0.0

    @contextmanager
    def waiting(self) -> Generator[None]:
        """Around waiting for a batch."""
        begin = time.monotonic()
        yield
        self._waited += time.monotonic() - begin

    def step(self, tokens: float, flop: float) -> float:
        """A step on so many tokens, with so many floating-point operations of all workers, is done; its seconds."""
        seconds = self.leave_out()
        self._steps += 1
        self._seconds += seconds
        self._tokens += tokens
        self._flop += flop
        return seconds

    def leave_out(self) -> float:
        """Count from now on; the seconds since the last step."""
        now = time.monotonic()
        seconds, self._last = now - self._last, now
        return seconds

    def figures(self) -> Record:
        """Of the steps since the last call, of which there is at least one.

        `train/data_wait` is the share of the time in which this worker waited for batches, `train/padding` the share of
        a batch padded to `max_length` that would be padding: none of it is computed here. `train/tflops` are the
        model's own operations in a second (10^12), `train/mfu` their share of what the GPUs could do (Chowdhery et al.
        2022, "PaLM").
        """
        found: Record = {
            "train/tokens_per_second": self._tokens / self._seconds,
            "train/tflops": self._flop / self._seconds / 1e12,
            "train/data_wait": self._waited / self._seconds,
            "train/padding": 1 - self._tokens / (self._steps * self._room),
        }
        if self._peak:
            found["train/mfu"] = self._flop / self._seconds / self._peak
        self._begin_anew()
        return found
