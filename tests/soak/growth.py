"""What a process holds while it does the same again and again, and whether it grows."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import linear_regression, median

import psutil

MIB = 1 << 20
WARM_UP = 0.25
"""The share of a soak in which caches and the allocator's room may fill."""
MOST_GROWTH = 16.0
"""MiB of resident memory after the warm-up, at any length: an allocator's noise, and 2 KiB of each of 10,000 rounds."""

MORE = {"files": 0, "threads": 2}
"""That are no growth: Go's runtime, with which charts are rendered, starts a thread where another waits for long."""


@dataclass(frozen=True, slots=True)
class Held:
    """By a process at one moment."""

    at: float
    """Rounds, or seconds, since the beginning."""
    mib: float
    """Resident, without what is mapped from files: of that the kernel takes back as much as others need."""
    files: int
    threads: int


def held(process: psutil.Process, at: float) -> Held:
    """Raises: psutil.NoSuchProcess: it has ended."""
    with process.oneshot():
        memory = process.memory_info()
        return Held(at, (memory.rss - memory.shared) / MIB, process.num_fds(), process.num_threads())


def settled(samples: Sequence[Held]) -> Sequence[Held]:
    """Those after the warm-up."""
    begin, end = samples[0].at, samples[-1].at
    after = [sample for sample in samples if sample.at >= begin + WARM_UP * (end - begin)]
    return after if len(after) > 1 else samples


def slope(samples: Sequence[Held]) -> float:
    """MiB a round or second after the warm-up, by least squares."""
    after = settled(samples)
    return linear_regression([each.at for each in after], [each.mib for each in after]).slope


def grown(samples: Sequence[Held]) -> float:
    """MiB that the line of least squares rises after the warm-up."""
    after = settled(samples)
    return slope(samples) * (after[-1].at - after[0].at)


def tenths(seconds: Sequence[float]) -> tuple[float, float]:
    """The medians of the first tenth and of the last."""
    tenth = max(len(seconds) // 10, 1)
    return median(seconds[:tenth]), median(seconds[-tenth:])


def growing(what: str, samples: Sequence[Held]) -> list[str]:
    """What a process holds more of at the end, in words; nothing where nothing grows."""
    after = settled(samples)
    quarter = max(len(after) // 4, 1)
    found = [f"{what}: {grown(samples):.1f} MiB more after the warm-up"] if grown(samples) > MOST_GROWTH else []
    for name, more in MORE.items():  # that come and go are no growth: the fewest count
        before, later = (min(getattr(each, name) for each in part) for part in (after[:quarter], after[-quarter:]))
        if later > before + more:
            found.append(f"{what}: {later} open {name} at the end, {before} before")
    return found
