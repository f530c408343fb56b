"""Two finished runs of one configuration: what differs."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file


@dataclass(frozen=True, slots=True)
class Difference:
    same_bits: bool
    """Of all losses, of weights and optimizer state."""
    loss: float
    """The largest relative difference of a step's training loss."""
    weights: float
    """Of the last weights: norm of the difference over the norm."""


def compared(stage: Path, undisturbed: Path) -> Difference:
    """What differs between two folders of a finished stage.

    Raises:
        AssertionError: a step is missing, or twice, or had other samples.
    """
    points, expected = _curve(stage), _curve(undisturbed)
    steps = [point["step"] for point in points]
    assert steps == [point["step"] for point in expected], f"steps are missing or twice: {_odd(steps)}"
    other = [
        int(point["step"])
        for point, reference in zip(points, expected, strict=True)
        if point["train/tokens"] != reference["train/tokens"]
    ]
    assert not other, f"other samples from step {other[0]} on"
    losses = [
        abs(point["train/loss"] / reference["train/loss"] - 1)
        for point, reference in zip(points, expected, strict=True)
    ]
    return Difference(
        same_bits=max(losses) == 0 and _sums(stage) == _sums(undisturbed),
        loss=max(losses),
        weights=_distance(stage, undisturbed),
    )


def group_sizes(stage: Path) -> set[int]:
    """The numbers of workers that trained."""
    return {int(point["train/world_size"]) for point in _curve(stage)}


def _curve(stage: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (stage / "history.jsonl").read_text().splitlines()]


def _odd(steps: list[float]) -> list[float]:
    """The steps that do not follow the one before."""
    return [step for last, step in zip([0.0, *steps], steps, strict=False) if step != last + 1][:5]


def _sums(stage: Path) -> dict[str, str]:
    newest = max((stage / "checkpoints").glob("step-*/complete.json")).parent
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in newest.glob("*.safetensors")}


def _distance(stage: Path, undisturbed: Path) -> float:
    weights, expected = (_weights(folder / "model") for folder in (stage, undisturbed))
    assert weights.shape == expected.shape
    return ((weights - expected).norm() / expected.norm()).item()


def _weights(model: Path) -> torch.Tensor:
    tensors = load_file(model / "model.safetensors")
    return torch.cat([tensors[name].flatten().double() for name in sorted(tensors)])
