"""How soon two workers on this machine train again after one was killed: python -m tests.benchmarks.recovery.local

Beside Ray Train as its guides show it, with all of its defaults (ray_train.py): one model, one corpus, a checkpoint
after as many steps. Each side's worker is killed (SIGKILL) several times, and the seconds until the next new checkpoint
are measured, which is `EVERY` steps after the group is back. Ends with an error where ours takes over `MOST` seconds.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import ray
from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer
from rich.console import Console
from rich.table import Table

from tests.benchmarks.loader import _machine
from tests.benchmarks.recovery.ray_train import train
from trainer.config.load import load

KILLS = 3
EVERY = 10
"""Steps between two checkpoints."""
MOST = 10.0
"""Seconds."""
GONE = 1.0
"""Seconds after which a checkpoint that was being written when the worker was killed is there."""
SETTLED = 3.0
"""Seconds of training before a worker is killed, and after the spares are there."""
WAIT = 180.0
"""Seconds until a run is given up."""
RUN = """\
name: run
storage: {storage}
world: {{towns: 60, dev_towns: 8}}
corpus: {{sources: [{{path: "run://world/articles.txt"}}], held_out: 0.05}}
vocab: {{size: 600}}
model:
  {{hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 64, max_position_embeddings: 128}}
pretrain: {{max_steps: 1000000, batch_size: 8, micro_batch_size: 2, max_length: 64, eval_every: 1000000}}
scaling: {{num_workers: 2}}
checkpoint: {{every: {every}}}
"""


@dataclass(frozen=True)
class Side:
    command: list[str]
    checkpoints: str
    """Below the folder; a glob for a file that each of them has."""
    spares: int
    """Processes that wait when it has settled."""


OURS = Side(["-m", "trainer", "run", "run.yaml"], "storage/run/pretrain/checkpoints/*/complete.json", 2)
RAYS = Side(["-m", "tests.benchmarks.recovery.local", "run.yaml"], "ray/run/checkpoint_*/state.pt", 0)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not true():
        assert time.monotonic() < deadline, f"not within {WAIT:.0f} s"
        time.sleep(0.02)


def written(folder: Path, side: Side) -> float:
    """When the newest checkpoint was, in seconds since 1970."""
    return max((_time(file) for file in folder.glob(side.checkpoints)), default=0.0)


def _time(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:  # deleted since
        return 0.0


def processes(run: "subprocess.Popen[bytes]", name: str, *, megabytes: int = 0) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for child in psutil.Process(run.pid).children(recursive=True):
        try:
            if name in " ".join(child.cmdline()) and child.memory_info().rss >= megabytes << 20:
                found.append(child)
        except psutil.Error:  # ended since
            continue
    return found


def measured(folder: Path, side: Side) -> list[float]:
    """Start a run, kill its workers one after the other, and end it."""
    with (folder / "output.txt").open("w") as output:
        environment = os.environ | {"PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}
        run = subprocess.Popen(
            [sys.executable, *side.command], cwd=folder, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
    seconds: list[float] = []
    try:
        for _ in range(KILLS):
            since = time.time()
            until(lambda since=since: written(folder, side) > since)
            until(lambda: len(processes(run, "ray::IDLE", megabytes=500)) >= side.spares)  # torch is imported
            time.sleep(SETTLED)
            killed = time.time()
            processes(run, "ray::RayTrainWorker")[-1].kill()
            until(lambda killed=killed: written(folder, side) > killed + GONE)
            seconds.append(written(folder, side) - killed)
            print(f"{side.command[1]}: {seconds[-1]:.1f} s", flush=True)
    finally:
        run.terminate()
        try:
            run.wait(60)
        except subprocess.TimeoutExpired:
            run.kill()
    return seconds


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "run.yaml").write_text(RUN.format(storage=folder / "storage", every=EVERY))
        ours, rays = measured(folder, OURS), measured(folder, RAYS)
    table = Table(title="A worker is killed: seconds until the next checkpoint", caption=_machine())
    for column in ("", "median", "each", "ratio"):
        table.add_column(column, justify="right" if column else "left")
    ratio = statistics.median(rays) / statistics.median(ours)
    for side, seconds in (("Berth", ours), ("Ray Train's defaults", rays)):
        each = "  ".join(f"{second:.1f}" for second in seconds)
        table.add_row(side, f"{statistics.median(seconds):.1f}", each, f"{ratio:.1f}" if side == "Berth" else "")
    Console(width=120).print(table)
    if statistics.median(ours) > MOST:
        print(f"too slow: it has to be back within {MOST:g} seconds")
        return 1
    return 0


def stock(run: str) -> None:
    """The peer's driver."""
    folder = Path.cwd()
    ray.init()
    TorchTrainer(
        train,
        train_loop_config={"run": str(folder / run)},
        scaling_config=ScalingConfig(num_workers=load(str(folder / run)).scaling.least_workers),
        run_config=RunConfig(
            name="run", storage_path=str(folder / "ray"), failure_config=FailureConfig(max_failures=-1)
        ),
    ).fit()


if __name__ == "__main__":
    sys.exit(stock(sys.argv[1]) if len(sys.argv) > 1 else main())
