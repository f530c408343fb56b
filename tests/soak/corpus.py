"""Thousands of small files as one corpus: all documents are in it, and neither preparing nor reading it takes more.

The files are articles of the invented world, one in each. The memory of ten times fewer files is beside theirs.
"""

import json
import tempfile
import time
from pathlib import Path

import psutil

from tests.benchmarks.memory import Measured, watched
from tests.benchmarks.real_text import show
from tests.soak.growth import Held, growing, grown, held, slope
from trainer.config.load import parse
from trainer.data.corpus import described
from trainer.data.world.articles import articles
from trainer.engine.folder import RunFolder
from trainer.tasks.pretrain import PretrainTask

FEWER = 10
MOST_MORE = 1.2
"""Peak memory of all files over that of FEWER times fewer."""
EVERY = 0.5
"""Seconds between two looks at the loader."""
SETTINGS = {"storage": ".", "corpus": {"sources": [{"path": "text"}], "held_out": 0.05}, "vocab": {"size": 600}}
RUN = """
name: run
storage: {folder}
corpus: {{sources: [{{path: text}}], held_out: 0.05}}
vocab: {{size: 600}}
model: {{hidden_size: 32, num_hidden_layers: 1, num_attention_heads: 1, intermediate_size: 32}}
pretrain: {{max_length: 128, batch_size: 64, micro_batch_size: 16}}
"""


def soak(files: int, minutes: float) -> list[str]:
    """Print what the files took; what is wrong, in words.

    Args:
        files: of the larger corpus.
        minutes: of reading batches.
    """
    problems: list[str] = []
    rows: list[list[str]] = []
    peaks: list[float] = []
    with tempfile.TemporaryDirectory(prefix="berth-soak-") as name:
        for number in (files // FEWER, files):
            folder = Path(name, str(number))
            _write(folder / "text", number)
            prepared, doctor = watched(["prepare", "corpus.yaml"], folder), watched(["doctor", "."], folder)
            documents = sum(totals.documents for totals in described(str(folder / "corpus")).totals.values())
            if documents != number:
                problems.append(f"{documents:,} documents of {number:,} files")
            peaks.append(prepared.peak)
            rows.append([f"{number:,} files", f"{documents:,}", *_figures(prepared), *_figures(doctor)])
        loader = _read(Path(name, str(files)), minutes)
    columns = ["", "documents", "prepare, MB", "seconds", "doctor, MB", "seconds"]
    reading = f"The loader, {len(loader)} looks in {minutes:g} minutes: {loader[-1].mib:.0f} MiB in the end, "
    reading += f"{grown(loader):.1f} more after the warm-up, {3600 * slope(loader):.1f} MiB an hour."
    show("Many small files", columns, rows, reading)
    if peaks[1] > MOST_MORE * peaks[0]:
        problems.append(f"to prepare {files:,} files takes {peaks[1] / peaks[0]:.2f} times the memory of a tenth")
    return problems + growing("the loader", loader)


def _figures(measured: Measured) -> list[str]:
    return [f"{measured.peak:,.0f}", f"{measured.seconds:.0f}"]


def _write(folder: Path, files: int) -> None:
    folder.mkdir(parents=True)
    for number, article in enumerate(articles(0, files, dev=False)):
        (folder / f"{number:06d}.txt").write_text(f"{article.context}\n{article.sequel}\n")
    (folder.parent / "corpus.yaml").write_text(json.dumps(SETTINGS))


def _read(folder: Path, minutes: float) -> list[Held]:
    """Make batches as a worker does, in this process."""
    run = parse(RUN.format(folder=folder.parent), "the soak's run")
    task = PretrainTask(run, run.pretrain[0], RunFolder(str(folder), str(folder)))
    me, samples, begin, step, last = psutil.Process(), list[Held](), time.monotonic(), 0, 0.0
    while (at := time.monotonic() - begin) < 60 * minutes:
        task.micro_batches(step, 0, 1)
        step += 1
        if at >= last:
            samples.append(held(me, at))
            last = at + EVERY
    return samples
