"""The guard: a step whose loss or gradient is not finite, or whose gradient is far too large, is not taken.

Weights and moments stay as they are in such a step. Where bad steps come one after the other, the loop goes back to
the last checkpoint and on with other batches, as PaLM's did (Chowdhery et al. 2022, section 5.1). What is judged by is
equal on all workers: the loss summed over them, and the norm of the gradient averaged over them. The figures live on
the device and are read a step later, when the device is done with them, so that no step waits.
"""

import logging

import torch
from torch import Tensor

from trainer.config import schema
from trainer.engine.state import Vigilance

log = logging.getLogger(__name__)

_MEMORY = 100
"""Good steps before the first spike can be seen, and the time constant of the mean after them."""


class Guard:
    """Judges the steps of a stage. A spike is a norm over `spike_factor` times the running mean of the good ones."""

    def __init__(self, settings: schema.Guard, device: torch.device, vigilance: Vigilance) -> None:
        """Go on from `vigilance`, which is kept up to date by `read`."""
        self.vigilance = vigilance
        self._settings = settings
        seen = vigilance.bad_in_row, vigilance.skipped, vigilance.good, vigilance.mean_norm, 0.0
        self._figures = torch.tensor(seen, dtype=torch.float64, device=device)
        self._copies: list[tuple[Tensor, torch.cuda.Event | None]] = []

    def judge(self, loss: Tensor, norm: Tensor) -> Tensor:
        """1 if the step must not be taken, else 0.

        Args:
            loss: () of all workers; only whether it is finite counts.
            norm: () of the gradient before it was clipped.

        Returns:
            (), float32, on the device: what torch's optimizers call `found_inf`.
        """
        in_row, skipped, good, mean, _ = self._figures.unbind()
        norm = norm.double()
        spike = (good >= _MEMORY) & (norm > self._settings.spike_factor * mean)
        bad = ~torch.isfinite(norm) | ~torch.isfinite(loss) | spike
        new_mean = mean + (norm - mean) / (good + 1).clamp(max=_MEMORY)
        self._figures = torch.stack(
            [
                torch.where(bad, in_row + 1, 0.0),
                skipped + bad,
                good + ~bad,
                torch.where(bad, mean, new_mean),
                norm,
            ]
        )
        self._copies.append(self._copy())
        return bad.float()

    def read(self, step: int, *, now: bool) -> bool:
        """Update `vigilance` to the step before the last, or `now`, which waits for the device, to the last.

        To have read `now` before changes no later verdict.

        Args:
            step: the number of steps done, for the warning of a skipped one.

        Returns:
            Whether there were so many bad steps in a row that the training has to go back.
        """
        in_row = self.vigilance.bad_in_row
        while len(self._copies) > (0 if now else 1):
            self._take(*self._copies.pop(0), step - len(self._copies))
            in_row = max(in_row, self.vigilance.bad_in_row)  # though a good step may have come after them
        return in_row >= self._settings.rollback_after

    def _copy(self) -> tuple[Tensor, torch.cuda.Event | None]:
        copy = self._figures.to("cpu", non_blocking=True)  # into pinned memory
        if not self._figures.is_cuda:
            return copy, None
        event = torch.cuda.Event()
        event.record()
        return copy, event

    def _take(self, copy: Tensor, copied: torch.cuda.Event | None, step: int) -> None:
        if copied is not None:
            copied.synchronize()
        in_row, skipped, good, mean, norm = copy.tolist()
        if skipped > self.vigilance.skipped:
            log.warning(
                "step %d was skipped: its loss or gradient is not finite, or a spike: the gradient's norm is %.3g, the "
                "mean of the steps before is %.3g",
                step,
                norm,
                mean,
            )
        self.vigilance.bad_in_row, self.vigilance.skipped, self.vigilance.good = int(in_row), int(skipped), int(good)
        self.vigilance.mean_norm = mean
