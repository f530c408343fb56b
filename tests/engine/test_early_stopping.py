"""The loop with a patience: when it ends, and with which weights."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.engine.line_task import LineTask
from tests.engine.test_loop import ALONE, after, same, weights
from trainer.config.schema import Training
from trainer.engine.checkpoint import Checkpoints
from trainer.engine.loop import Loop
from trainer.engine.parallel import Workers
from trainer.engine.state import State
from trainer.tracking.tracker import Trackers

LOSSES = (5.0, 3.0, 4.0, 3.0, 2.0, 6.0, 1.0)
"""Held out, after 2, 4, 6 ... steps: the patience of 2 ends after the third 3.0, that of 3 never."""


class Evaluated(LineTask):
    """A task whose held-out losses are given; it keeps the weights that had them."""

    def __init__(self, settings: Training, losses: Sequence[float], patience: int | None) -> None:
        super().__init__(settings, steps=2 * len(losses))
        self.eval_every, self.patience = 2, patience
        self.state = State.fresh(self.model, settings)
        self.weights: dict[int, dict[str, torch.Tensor]] = {}
        self._losses = losses

    def evaluate(self, workers: Workers) -> dict[str, float]:
        self.weights[self.state.step] = weights(self.state)
        return {"eval/line_loss": self._losses[self.state.step // 2 - 1]}


def train(
    folder: Path, settings: Training, patience: int | None, stop: Callable[[], bool] = lambda: False
) -> tuple[bool, Evaluated]:
    task = Evaluated(settings, LOSSES, patience)
    checkpoints = Checkpoints(str(folder), "fingerprint", keep=1)
    checkpoints.load_latest(task.state)
    others: dict[str, Any] = {"checkpoint_every": 100, "tracker": Trackers(), "stop_requested": stop}
    return Loop(task, task.state, ALONE, seed=7, checkpoints=checkpoints, **others).run(), task


def test_the_training_ends_when_the_patience_does_with_the_weights_that_were_best(
    tmp_path: Path, settings: Training
) -> None:
    finished, task = train(tmp_path, settings, patience=2)
    assert finished
    assert task.state.step == 8, "4.0 and the second 3.0 are not better than 3.0"
    assert same(weights(task.state), task.weights[4])
    assert not same(task.weights[4], task.weights[8])


def test_the_best_weights_are_the_result_at_the_last_step_too(tmp_path: Path, settings: Training) -> None:
    finished, task = train(tmp_path, settings, patience=3)
    assert finished
    assert task.state.step == 14
    assert same(weights(task.state), task.weights[14])


def test_without_a_patience_the_last_weights_are_the_result(tmp_path: Path, settings: Training) -> None:
    _, task = train(tmp_path, settings, patience=None)
    assert task.state.step == 14
    assert [file.name for file in tmp_path.iterdir()] == ["step-00000014"], "nothing is saved for its score"


@pytest.mark.parametrize("steps", range(1, 8))
def test_stopped_anywhere_it_ends_at_the_same_step_with_the_same_weights(
    tmp_path: Path, settings: Training, steps: int
) -> None:
    _, undisturbed = train(tmp_path / "undisturbed", settings, patience=2)
    stopped, _ = train(tmp_path / "stopped", settings, patience=2, stop=after(steps))
    assert not stopped
    finished, task = train(tmp_path / "stopped", settings, patience=2)
    assert finished
    assert task.state.step == undisturbed.state.step
    assert same(weights(task.state), weights(undisturbed.state))


def test_a_stage_that_had_ended_makes_no_further_step(tmp_path: Path, settings: Training) -> None:
    _, before = train(tmp_path, settings, patience=2)
    finished, task = train(tmp_path, settings, patience=2)
    assert finished
    assert task.weights == {}
    assert same(weights(task.state), weights(before.state))


def test_where_the_best_checkpoint_is_torn_the_next_best_is_taken(
    tmp_path: Path, settings: Training, caplog: pytest.LogCaptureFixture
) -> None:
    _, task = train(tmp_path, settings, patience=2)
    (tmp_path / "step-00000004" / "model.safetensors").write_bytes(b"torn")
    Checkpoints(str(tmp_path), "fingerprint", keep=1).load_best_weights(task.state)
    assert same(weights(task.state), task.weights[8])
    assert "step-00000004" in caplog.text


@pytest.mark.parametrize("log_every", [1, 3, 100])
def test_it_is_evaluated_when_that_is_due_however_seldom_points_are_logged(
    tmp_path: Path, settings: Training, log_every: int
) -> None:
    _, task = train(tmp_path, settings.model_copy(update={"log_every": log_every}), patience=2)
    assert list(task.weights) == [2, 4, 6, 8]
