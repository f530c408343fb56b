"""Which fault comes when: a schedule is data, and a function of its seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

CALM = (35.0, 70.0)
"""Seconds between two faults: the run is back before the second."""
HASTE = (4.0, 12.0)
"""Between some: the second one meets a run that is still getting up."""
SHARE_OF_HASTE = 0.2


@dataclass(frozen=True, slots=True)
class Planned:
    at: float
    """Seconds since the first step."""
    fault: str


def schedule(seed: int, seconds: float, faults: Sequence[str]) -> list[Planned]:
    """Faults until so many seconds after the first step; each comes once before one comes again."""
    random = Random(seed)
    planned: list[Planned] = []
    waiting: list[str] = []
    at = random.uniform(15, 30)
    while at < seconds:
        if not waiting:
            waiting = random.sample(sorted(faults), len(faults))
        planned.append(Planned(round(at, 1), waiting.pop()))
        at += random.uniform(*(HASTE if random.random() < SHARE_OF_HASTE else CALM))
    return planned


def parsed(text: str) -> list[Planned]:
    """`20:kill worker,60:cut 20 s`: a schedule by hand.

    Raises:
        ValueError: it is none.
    """
    pairs = [item.partition(":") for item in text.split(",") if item]
    return [Planned(float(at), fault.strip()) for at, _, fault in pairs]
