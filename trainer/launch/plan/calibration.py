"""A plan beside what a short try of the run's steps on this machine measured."""

from collections.abc import Callable, Sequence
from typing import Protocol

from pydantic import BaseModel

from trainer.config import schema
from trainer.config.schema import Pretrain, Squad
from trainer.launch.plan import memory, work
from trainer.launch.plan.memory import Machine
from trainer.launch.plan.work import Work


class Probed(Protocol):
    """As `trainer.runtime.step_probe` measures it."""

    @property
    def device(self) -> str: ...

    @property
    def bf16(self) -> bool: ...

    @property
    def tokens_per_second(self) -> float: ...

    @property
    def peak(self) -> int: ...


Probe = Callable[[schema.Model, int, Pretrain | Squad], Probed]


class Calibration(BaseModel):
    """One stage's steps of one micro batch, measured; and the run's time at that speed."""

    stage: str
    device: str
    tokens_per_second: float
    flop_per_second: float
    hours: float
    """For the real tokens of all stages, on this machine alone."""
    measured_peak: int
    """Bytes of tensors."""
    planned_peak: int


def calibrated(
    model: schema.Model, vocab_size: int, stage: Pretrain | Squad, todo: Sequence[Work], probe: Probe
) -> Calibration:
    """Try the steps of a stage, each of one micro batch."""
    alone = stage.model_copy(update={"batch_size": stage.micro_batch_size})
    found = probe(model, vocab_size, alone)
    machine = Machine(
        "cpu" if found.device.startswith("CPU") else "cuda",
        found.bf16 if stage.precision == "auto" else stage.precision == "bf16",
    )
    lengths = [stage.max_length] * stage.micro_batch_size
    masked = stage.micro_batch_size * round(work.masked(stage, stage.max_length))
    planned = memory.of_step(model, vocab_size, alone, machine, lengths, masked)
    its = next(each for each in todo if each.stage == stage.name)
    speed = found.tokens_per_second * its.flop_per_token
    return Calibration(
        stage=stage.name,
        device=found.device,
        tokens_per_second=found.tokens_per_second,
        flop_per_second=speed,
        hours=sum(each.real_flop for each in todo) / speed / 3600,
        measured_peak=found.peak,
        planned_peak=sum(planned.values()),
    )
