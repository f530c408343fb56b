"""The learning rate of each step, as a share of its peak: pure functions of (schedule, step, steps).

Steps count from 0, as they do in the checkpoint. The warm-up gives even the first step a rate, (step + 1) / warm-up
steps; the descent would reach `final_ratio` at step `steps`, one after the last, so no step is spent at a rate of 0.
"""

from trainer.config import schema


def multiplier(schedule: schema.Schedule, step: int, steps: int) -> float:
    """The factor on the peak learning rate at `step` of `steps`.

    `linear` is Hugging Face's `get_linear_schedule_with_warmup`; `polynomial` Google's `create_optimizer`, NVIDIA's
    `PolyWarmUpScheduler` and, at power 0.5, NeMo's `SquareRootAnnealing`, which all leap from 1 to the curve where the
    warm-up ends; `trapezoidal` Zhai et al. 2022, Hägele et al. 2024.
    """
    assert 0 <= step < steps, "a step of the stage"
    warmup_steps = round(schedule.warmup_ratio * steps)
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    return schedule.final_ratio + (1 - schedule.final_ratio) * _remaining(schedule, step, steps, warmup_steps)


def _remaining(schedule: schema.Schedule, step: int, steps: int, warmup_steps: int) -> float:
    """From 1 at the top of the descent to 0 at its foot."""
    match schedule.kind:
        case "linear":
            return (steps - step) / (steps - warmup_steps)
        case "polynomial":
            return (1 - step / steps) ** schedule.power
        case "trapezoidal":
            cooldown_steps = max(1, round(schedule.cooldown_ratio * steps))
            return min(1.0, (steps - step) / cooldown_steps)
