"""How long a resumed training takes to its first batch, at steps 10 and 10 million: python -m tests.benchmarks.resume

Both checkpoints have the curve that a run has by then, a point every 10 steps. What is timed, in turns: the checkpoint
is found, proven whole and loaded, and the batch of its step is made. The median counts. Ends with an error where the
later one takes over 1.1 times as long.
"""

import sys
import tempfile
import time
from statistics import median

from tests.benchmarks.pretraining import LENGTHS, SHAPES, tasks
from tests.benchmarks.real_text import show
from trainer.engine.checkpoint import Checkpoints
from trainer.engine.state import Record, State, thinned
from trainer.tasks.pretrain import PretrainTask

STEPS = (10, 10_000_000)
ROUNDS = 15
MOST_RATIO = 1.1


def curve(step: int) -> list[Record]:
    """Its last 5,000 points before they are thinned, and those further back that the grid leaves."""
    names = ("mlm_loss", "mlm_accuracy", "loss", "learning_rate", "grad_norm", "tokens_per_second")
    steps = [*range(10, step, max(step // 2000 // 10 * 10, 10)), *range(max(step - 50_000, 10), step, 10), step]
    return thinned([{"step": at, **{f"train/{name}": 1 / at for name in names}} for at in sorted(set(steps))], 10, 1000)


def saved(task: PretrainTask, folder: str, step: int) -> Checkpoints:
    """A checkpoint of that step, from an optimizer that has its moments."""
    state = State.fresh(task.model, task.settings)
    batch = task.micro_batches(0, 0, 1)[0]
    task.losses(task.model, batch.inputs).losses.sum().backward()
    state.optimizer.step()
    state.optimizer.zero_grad()
    state.step, state.history = step, curve(step)
    checkpoints = Checkpoints(f"{folder}/{step}", "benchmark", keep=1)
    checkpoints.save(state, task.tokenizer)
    return checkpoints


def resumed(task: PretrainTask, checkpoints: Checkpoints) -> float:
    """Seconds to the first batch."""
    state = State.fresh(task.model, task.settings)
    begin = time.perf_counter()
    assert checkpoints.load_latest(state)
    task.micro_batches(state.step, 0, 1)
    return time.perf_counter() - begin


def main() -> bool:
    """Print the table; says whether the bound is kept."""
    with tempfile.TemporaryDirectory(prefix="berth-benchmark-") as folder:
        task = tasks(folder, SHAPES["4 layers x 256"], length=128, batch=32)[LENGTHS[0]]
        checkpoints = {step: saved(task, folder, step) for step in STEPS}
        rounds = [{step: resumed(task, checkpoints[step]) for step in STEPS} for _ in range(ROUNDS + 1)][1:]
    seconds = {step: median(each[step] for each in rounds) for step in STEPS}
    ratio = seconds[STEPS[1]] / seconds[STEPS[0]]
    rows = [[f"step {step:,}", f"{1000 * seconds[step]:.0f}", f"{seconds[step] / seconds[10]:.2f}"] for step in STEPS]
    bound = f"Required: at most {MOST_RATIO} times as long: {ratio:.2f}."
    show("From a checkpoint to the first batch, 4 layers x 256", ["", "ms", "x step 10"], rows, bound)
    return ratio <= MOST_RATIO


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
