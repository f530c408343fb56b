"""How long a step of LAMB takes, beside torch's AdamW: python -m tests.benchmarks.optimizer

The optimizers step in turn, on copies of one model's weights and gradients, on the CPU and, where there is one, on the
GPU; the median counts. Ends with an error where LAMB takes over 1.5 times what torch's fused AdamW does.
"""

import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from trainer.config import schema
from trainer.model.heads import BertForPreTraining
from trainer.optim import optimizers

MOST_RATIO = 1.5
ROUNDS = 30
SHAPES = {
    "BERT-base": schema.Model(),
    "4 layers x 256": schema.Model(hidden_size=256, num_hidden_layers=4, num_attention_heads=4, intermediate_size=1024),
}
OPTIMIZERS: dict[str, Callable[[nn.Module], torch.optim.Optimizer]] = {
    "AdamW, fused": lambda model: optimizers.build(schema.Optimizer(), model),
    "AdamW, foreach": lambda model: torch.optim.AdamW(model.parameters(), lr=1e-4, foreach=True),
    "LAMB": lambda model: optimizers.build(schema.Optimizer(kind="lamb"), model),
}


def step_seconds(shape: schema.Model, device: torch.device) -> dict[str, float]:
    """The median time of a step of each optimizer."""
    with device:
        models = {name: BertForPreTraining(shape, 30_522, next_sentence_prediction=True) for name in OPTIMIZERS}
    built = {name: build(models[name]) for name, build in OPTIMIZERS.items()}
    seconds: dict[str, list[float]] = {name: [] for name in OPTIMIZERS}
    for name, model in models.items():
        for parameter in model.parameters():
            parameter.grad = torch.full_like(parameter, 1e-3)
        built[name].step()
    for _ in range(ROUNDS):
        for name, optimizer in built.items():
            for parameter in models[name].parameters():
                assert parameter.grad is not None
                parameter.grad.fill_(1e-3)  # LAMB's step used them up
            _wait(device)
            start = time.perf_counter()
            optimizer.step()
            _wait(device)
            seconds[name].append(time.perf_counter() - start)
    return {name: median(measured) for name, measured in seconds.items()}


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _machine(device: torch.device) -> str:
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    versions = f"{torch.get_num_threads()} threads, Python {platform.python_version()}, torch {torch.__version__}"
    return f"{names[0].partition(': ')[2]}, {versions}"


def main() -> int:
    slow = False
    devices = [torch.device("cpu"), *([torch.device("cuda")] if torch.cuda.is_available() else [])]
    for device in devices:
        table = Table(title=f"A step of the optimizer, {device.type}", caption=_machine(device))
        for column in ("", *(f"{name}, ms" for name in OPTIMIZERS), "LAMB / AdamW, fused"):
            table.add_column(column, justify="right" if column else "left")
        for name, shape in SHAPES.items():
            seconds = step_seconds(shape, device)
            ratio = seconds["LAMB"] / seconds["AdamW, fused"]
            slow |= ratio > MOST_RATIO
            table.add_row(name, *(f"{1000 * value:.2f}" for value in seconds.values()), f"{ratio:.2f}")
        Console().print(table)
    if slow:
        print(f"too slow: a step of LAMB may take {MOST_RATIO} times one of the fused AdamW")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
