"""What of a point of the curves is computed, and so the same whenever and wherever it is computed again."""

from collections.abc import Mapping

MEASURED = {
    "seconds",
    "train/tokens_per_second",
    "train/tflops",
    "train/data_wait",
    "train/restarts",
    "checkpoint/step",
    "checkpoint/seconds",
}


def computed(point: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in point.items() if name not in MEASURED}
