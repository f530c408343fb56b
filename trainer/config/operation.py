"""How a run is carried out: by whom, for how long, how it is saved and watched. Nothing here shapes the result, and all
of it may be another when the run goes on.
"""

import re
from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema, model_validator

from trainer.config.section import Count, Section

_SECONDS_OR_AUTO = r"^([0-9]+(\.[0-9]+)? ?s|auto)$"


class Scaling(Section):
    """How many workers train, and what each gets."""

    num_workers: Count | tuple[Count, Count] = 1
    """A number, or [least, most]: the workers then follow the nodes that come and go, and lose no step by it."""
    cpus_per_worker: Count = 1
    """CPU cores, and torch threads, of a worker."""
    gpus_per_worker: Literal[0, 1] = 0
    """1: CUDA and NCCL; 0: CPU and gloo."""
    settle_seconds: Annotated[float, Field(ge=0)] = 5
    """Nodes that join are waited for so long after the last of them, so that many are one resize."""
    preflight: bool = True
    """Before nodes train for the first time, test them for some seconds: sums over the network and its speed, the run's
    folder, clocks, versions, GPUs, free disk. A node that is slow or odd is named, a broken one ends the group.
    """

    @model_validator(mode="after")
    def _least_is_not_over_most(self) -> "Scaling":
        if self.least_workers > self.most_workers:
            raise ValueError(
                f"num_workers [{self.least_workers}, {self.most_workers}] is [most, least]; write the smaller one first"
            )
        return self

    @property
    def least_workers(self) -> int:
        return self.num_workers if isinstance(self.num_workers, int) else self.num_workers[0]

    @property
    def most_workers(self) -> int:
        return self.num_workers if isinstance(self.num_workers, int) else self.num_workers[1]


class Limits(Section):
    """When a run that does not get on is given up, so that it holds no machines for nothing."""

    max_failures: Annotated[int, Field(ge=0)] = 3
    """Failures in a row without a new checkpoint between them; the training goes on from the last one after each."""
    stall_minutes: Annotated[float, Field(gt=0)] = 5
    """When no worker has finished a step, or a part of an evaluation, for so long, their stacks are kept in the run's
    folder `traces` and the workers are ended, which counts as a failure. It is six times as much where they start,
    load, compile and write results, and never less than twenty of the slowest steps so far.
    """
    deadline_hours: Annotated[float, Field(gt=0)] | None = None
    """Time from the run's first start until it is saved and ended, finished or not."""


class Checkpoints(Section):
    """When training is saved. It goes on meanwhile."""

    every: Count | Annotated[str, WithJsonSchema({"type": "string", "pattern": _SECONDS_OR_AUTO})] = "auto"
    """What a crash may cost: so many steps, or seconds of work, such as `60 s`. `auto`: 30 s to 30 min, as often as
    costs at most 1 % of the throughput, which is measured.
    """
    keep: Count = 2
    """The newest so many stay; in a stage that evaluates, the one with the lowest held-out loss as well."""
    patience_minutes: Annotated[float, Field(ge=0)] = 10
    """Storage that is busy or not reached is tried again for so long before the run ends."""

    @model_validator(mode="after")
    def _every_is_an_interval(self) -> "Checkpoints":
        if isinstance(self.every, str) and not re.match(_SECONDS_OR_AUTO, self.every):
            raise ValueError(f"every {self.every!r} is no interval; give steps, such as 500, seconds, 60 s, or auto")
        return self


class Tracking(Section):
    """Weights & Biases. The key comes from WANDB_API_KEY, never from here."""

    wandb: Literal["offline", "online", "disabled"] = "offline"
    """`offline` records to the run's folder; `berth sync` sends it later."""
    project: str = "berth"
    entity: str | None = None
    json_lines: bool = False
    """Print each point of the curves as a line of JSON as well: `{"stage": "pretrain", "step": 10, ...}`. With
    `log_every: 1`, every step is one.
    """
