"""Text -> shards, beside bare tokenization and beside NVIDIA's way, on the same text and the same cores.

    python -m tests.benchmarks.preparation [MB]

The ceiling is `tokenizers`' `encode_batch` on documents that lie in memory: nothing read, split, checked or written.
It and ours are run three times in turn, and the quickest counts; on a busy machine trust the CPU time. The text is
15 MB of books and WikiText, repeated: beyond that, as in any large corpus, most words were met before, and ours
remembers them.
"""

import contextlib
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NamedTuple

from nltk.tokenize.punkt import PunktSentenceTokenizer, PunktTrainer
from tokenizers import BertWordPieceTokenizer

from tests.benchmarks.nvidia_pipeline import Pipeline
from tests.benchmarks.real_text import DATA, MB, repeated, show, write

LEAST_OF_CEILING = 0.85
LEAST_OVER_NVIDIA = 10

_VOCAB = DATA / "bert-base-uncased-vocab.txt"
_NVIDIA_MB = 4
"""Slow enough to be measured on less."""


class Speed(NamedTuple):
    """The best of some times."""

    wall: float
    """MB/s."""
    cpu: float
    """MB per second of CPU time, of all cores together."""


Way = Callable[[], float]
"""Does the work and tells the CPU time that it took, in seconds."""


def main(megabytes: float) -> bool:
    """Print the table; says whether both bounds are kept."""
    with tempfile.TemporaryDirectory(prefix="berth-benchmark-") as name:
        folder = Path(name)
        documents = write(folder / "text.txt", megabytes)
        size = sum(len(document.encode()) + 2 for document in documents) / MB
        ceiling, ours = _speeds((lambda: _ceiling(documents), lambda: _ours(folder)), size, times=3)
        speeds = {"tokenizers' encode_batch alone": ceiling, "ours, text to shards": ours}
        few = list(repeated(_NVIDIA_MB))
        cores = len(os.sched_getaffinity(0))
        for fast, kind in ((False, "Python tokenizer"), (True, "fast tokenizer (LDDL)")):
            for processes in (1, cores):
                with _nvidia(few, folder, fast, processes) as way:
                    (nvidia,) = _speeds((way,), _NVIDIA_MB, times=1)
                speeds[f"NVIDIA's way, {kind}, processes: {processes}"] = nvidia
    nvidia = speeds[f"NVIDIA's way, Python tokenizer, processes: {cores}"]
    rows = [
        [how, f"{of.wall:.2f}", f"{of.cpu:.2f}", f"{ours.wall / of.wall:.2f}", f"{ours.cpu / of.cpu:.2f}"]
        for how, of in speeds.items()
    ]
    of_ceiling, over_nvidia = ours.wall / ceiling.wall, ours.wall / nvidia.wall
    bounds = f"Required: ours at least {LEAST_OF_CEILING} of encode_batch: {of_ceiling:.2f}; "
    bounds += f"{LEAST_OVER_NVIDIA} times NVIDIA's scripts on all cores: {over_nvidia:.1f}."
    columns = ["way", "MB/s", "MB per CPU s", "ours / this", "by CPU time"]
    show(f"Preparing {megabytes:g} MB of text", columns, rows, bounds)
    return of_ceiling >= LEAST_OF_CEILING and over_nvidia >= LEAST_OVER_NVIDIA


def _speeds(ways: tuple[Way, ...], megabytes: float, times: int) -> list[Speed]:
    """Of each way, run in turn."""
    seconds: list[list[tuple[float, float]]] = [[] for _ in ways]
    for _ in range(times):
        for way, of_way in zip(ways, seconds, strict=True):
            begun = time.perf_counter()
            cpu = way()
            of_way.append((time.perf_counter() - begun, cpu))
    return [Speed(*(megabytes / min(each) for each in zip(*of_way, strict=True))) for of_way in seconds]


def _cpu() -> float:
    """Of this process, and of those that it started and that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _ceiling(documents: list[str]) -> float:
    tokenizer = BertWordPieceTokenizer(str(_VOCAB), lowercase=True)
    begun = _cpu()
    for start in range(0, len(documents), 500):
        tokenizer.encode_batch(documents[start : start + 500])
    return _cpu() - begun


def _ours(folder: Path) -> float:
    """The command as a user types it, the start of Python included."""
    begun = _cpu()
    settings = {
        "storage": tempfile.mkdtemp(dir=folder),
        "corpus": {"sources": [{"path": str(folder / "text.txt")}]},
        "vocab": {"path": str(_VOCAB)},
    }
    (folder / "corpus.yaml").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "trainer", "prepare", str(folder / "corpus.yaml")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return _cpu() - begun


@contextlib.contextmanager
def _nvidia(documents: list[str], folder: Path, fast: bool, processes: int) -> Generator[Way]:
    """In processes that have loaded everything: the work alone is measured."""
    partitions = [(documents[n::8], folder / f"{n}.parquet") for n in range(8)]
    with multiprocessing.get_context("spawn").Pool(processes, _begin, (fast, _punkt(documents))) as pool:
        pool.map(_do, [(documents[:1], folder / f"first-{n}.parquet") for n in range(processes)], chunksize=1)
        yield lambda: sum(pool.map(_do, partitions, chunksize=1))


_pipeline: Pipeline


def _begin(fast: bool, punkt: PunktSentenceTokenizer) -> None:
    os.environ["RAYON_NUM_THREADS"] = "1"  # a core a process
    global _pipeline  # noqa: PLW0603 - a pool keeps nothing else for its tasks
    _pipeline = Pipeline(_VOCAB, fast, punkt)


def _do(partition: tuple[list[str], Path]) -> float:
    begun = time.process_time()
    _pipeline(*partition)
    return time.process_time() - begun


def _punkt(texts: list[str]) -> PunktSentenceTokenizer:
    trainer = PunktTrainer()
    trainer.train("\n".join(texts))
    return PunktSentenceTokenizer(trainer.get_params())


if __name__ == "__main__":
    sys.exit(not main(float(sys.argv[1]) if len(sys.argv) > 1 else 100))
