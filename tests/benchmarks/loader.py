"""How fast batches are made, beside how fast a small model eats them: python -m tests.benchmarks.loader

Rates of one core are by the processor's time, so that other work on the machine counts less; that of two cores is by
the clock and wants a quiet machine. Each is the best of some. The text is the books of `shared/data` in Google's
vocabulary, or the invented world where they are absent. Ends with an error where the loader is too slow.
"""

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from trainer.config.load import parse
from trainer.engine.folder import RunFolder
from trainer.engine.parallel import autocast
from trainer.engine.state import State
from trainer.runtime.inputs import prepare
from trainer.tasks.pretrain import PretrainTask

LEAST_RATE = 1_000_000
"""Tokens a second that a core has to make."""
LEAST_RATIO = 20
"""How many times what the model eats, be it on one core or two."""
CPU = torch.device("cpu")

DATA = Path(os.environ.get("BERTH_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
RUN = """
name: loader
storage: {storage}
{text}
model: {{hidden_size: 256, num_hidden_layers: 4, num_attention_heads: 4, intermediate_size: 1024}}
pretrain:
  - &128 {{name: 128-pieces, max_length: 128, max_predictions: 20, batch_size: 256, micro_batch_size: 32}}
  - {{<<: *128, name: 128-words, whole_word_masking: true}}
  - {{<<: *128, name: 128-one-text, next_sentence_prediction: false}}
  - &512 {{name: 512-pieces, max_length: 512, batch_size: 64, micro_batch_size: 8}}
  - {{<<: *512, name: 512-words, whole_word_masking: true}}
  - {{<<: *512, name: 512-one-text, next_sentence_prediction: false}}
"""
BOOKS = """
corpus: {{sources: [{{path: {data}/books, format: books}}, {{path: {data}/books, format: books, weight: 0.5}}]}}
vocab: {{path: {data}/bert-base-uncased-vocab.txt}}
"""
WORLD = """
world: {}
corpus: {sources: [{path: run://world/articles.txt}, {path: run://world/articles.txt, weight: 0.5}]}
"""


def tasks(storage: str) -> dict[str, PretrainTask]:
    """A task for each stage, on text that is prepared for real."""
    text = BOOKS.format(data=DATA) if DATA.is_dir() else WORLD
    run = parse(RUN.format(storage=storage, text=text), "the benchmark's run")
    folder = RunFolder.of(run)
    prepare(run, folder, lambda what, done, total: None)
    return {stage.name: PretrainTask(run, stage, folder) for stage in run.pretrain}


def loading_rate(task: PretrainTask) -> float:
    """Tokens a second of one core: order, drawing, masking and packing."""
    return max(_rate(lambda step=step: _made(task, step), time.process_time) for step in range(20))


def training_rate(task: PretrainTask, threads: int) -> float:
    """Tokens a second that the model learns from: forward, backward and the optimizer's step."""
    torch.set_num_threads(threads)
    state = State.fresh(task.model, task.settings)
    clock = time.process_time if threads == 1 else time.perf_counter
    rates = [_rate(lambda step=step: _learned(task, state, step), clock) for step in range(5)]
    torch.set_num_threads(1)
    return max(rates)


def later_over_first(task: PretrainTask) -> float:
    """The cost of step 10,000,000 as a multiple of that of step 0."""
    seconds: dict[int, list[float]] = {0: [], 10_000_000: []}
    for _ in range(15):
        for step, measured in seconds.items():
            start = time.process_time()
            tokens = _made(task, step)
            measured.append((time.process_time() - start) / tokens)
    return median(seconds[10_000_000]) / median(seconds[0])


def _rate(work: Callable[[], int], clock: Callable[[], float]) -> float:
    start = clock()
    return work() / (clock() - start)


def _made(task: PretrainTask, step: int) -> int:
    return sum(batch.tokens for batch in task.micro_batches(step, 0, 1))


def _learned(task: PretrainTask, state: State, step: int) -> int:
    batch = task.micro_batches(step, 0, 1)[0]
    with autocast(CPU, task.settings.precision):
        sums = task.losses(state.model, batch.inputs)
    (sums.losses / torch.tensor(batch.counts)).sum().backward()
    nn.utils.clip_grad_norm_(state.model.parameters(), task.settings.optimizer.max_grad_norm)
    state.optimizer.step()
    state.optimizer.zero_grad()
    return batch.tokens


def _machine() -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    versions = f"Python {platform.python_version()}, numpy {np.__version__}, torch {torch.__version__}"
    load = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    return f"{names[0].partition(': ')[2]}, {load}, {versions}"


def main() -> int:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as storage:
        stages = tasks(storage)
        rates = {name: loading_rate(task) for name, task in stages.items()}
        later = {name: later_over_first(task) for name, task in stages.items()}
        model = {threads: training_rate(stages["512-pieces"], threads) for threads in (1, 2)}
    table = Table(title="The loader on one core", caption=_machine())
    for column in ("", "tokens/s", "x the model on 1 core", "x on 2 cores", "step 10,000,000 / step 0"):
        table.add_column(column, justify="right" if column else "left")
    for name, rate in rates.items():
        figures = [f"{rate / model[threads]:.0f}" for threads in (1, 2)]
        table.add_row(name, f"{rate:,.0f}", *figures, f"{later[name]:.2f}")
    for threads, rate in model.items():
        table.add_row(f"the model, 512 tokens, cores: {threads}", f"{rate:,.0f}")
    Console().print(table)
    slowest = min(rates.values())
    if slowest < LEAST_RATE or slowest < LEAST_RATIO * max(model.values()):
        print(f"too slow: it has to make {LEAST_RATE:,} tokens a second, and {LEAST_RATIO} times what the model eats")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
