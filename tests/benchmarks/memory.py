"""Peak memory of `berth prepare` for 100 MB and for 2 GB of text: it must not grow with the text.

    python -m tests.benchmarks.memory [MB ...]

Memory is the sum of the proportional set sizes (PSS) of the command and all its processes, several times a second: what
they share, such as code and a page cache of the vocabulary, counts once.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.benchmarks.real_text import DATA, MB, repeated, show

SIZES = (100, 2000)
"""MB of text."""
LARGEST = 1500
"""MB of memory, at any size of text."""
GROWTH = 1.2
"""From the smallest text to the largest."""

_EVERY = 0.2
"""Seconds between two looks."""
_CORPUS = """\
storage: corpus
corpus: {sources: [{path: text.txt}]}
vocab: {path: %s}
"""


class Measured(NamedTuple):
    peak: float
    """MB."""
    seconds: float
    processes: int
    """At the peak."""


def main(sizes: tuple[float, ...]) -> bool:
    """Print the table; says whether the bounds are kept."""
    found = {size: _measured(size) for size in sizes}
    rows = [
        [f"{size:g} MB of text", f"{of.peak:,.0f}", str(of.processes), f"{of.seconds:.0f}", f"{size / of.seconds:.2f}"]
        for size, of in found.items()
    ]
    peaks = [of.peak for of in found.values()]
    growth = peaks[-1] / peaks[0]
    bounds = f"Required: under {LARGEST:,} MB: {max(peaks):,.0f}; at most {GROWTH} times as much: {growth:.2f}."
    show("Peak memory of `berth prepare`", ["", "peak, MB", "processes", "seconds", "MB/s"], rows, bounds)
    return max(peaks) < LARGEST and growth <= GROWTH


def _measured(megabytes: float) -> Measured:
    with tempfile.TemporaryDirectory(prefix="berth-benchmark-") as name:
        folder = Path(name)
        _write(folder / "text.txt", megabytes)
        (folder / "corpus.yaml").write_text(_CORPUS % (DATA / "bert-base-uncased-vocab.txt"))
        return watched(["prepare", "corpus.yaml"], folder)


def watched(command: list[str], folder: Path) -> Measured:
    """What a command of `berth` took in a folder; it has to succeed."""
    begun = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "trainer", *command],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        peak, processes = 0, 0
        while process.poll() is None:
            sizes = _sizes(psutil.Process(process.pid))
            if sum(sizes) > peak:
                peak, processes = sum(sizes), len(sizes)
            time.sleep(_EVERY)
    assert process.returncode == 0, f"berth {command[0]} ended with {process.returncode}"
    return Measured(peak / MB, time.perf_counter() - begun, processes)


def _write(file: Path, megabytes: float) -> None:
    room = shutil.disk_usage(file.parent).free / MB
    assert room > 2 * megabytes, f"{file.parent} has room for {room:,.0f} MB, and the text and its corpus need more"
    with file.open("w") as text:
        for document in repeated(megabytes):
            text.write(f"{document}\n\n")


def _sizes(command: psutil.Process) -> list[int]:
    """PSS of the command and of its descendants, bytes; none of one that has just ended."""
    sizes: list[int] = []
    for process in (command, *_descendants(command)):
        try:
            sizes.append(process.memory_full_info().pss)
        except psutil.NoSuchProcess:
            continue
    return sizes


def _descendants(command: psutil.Process) -> list[psutil.Process]:
    try:
        return command.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


if __name__ == "__main__":
    sys.exit(not main(tuple(map(float, sys.argv[1:])) or SIZES))
