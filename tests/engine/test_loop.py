from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from tests.engine.line_task import LineTask
from tests.points import computed
from trainer.config.schema import Training
from trainer.engine.checkpoint import Checkpoints
from trainer.engine.loop import Loop
from trainer.engine.parallel import Workers
from trainer.engine.state import State
from trainer.tracking.tracker import Outcome

ALONE = Workers(torch.device("cpu"))


class Curve:
    """A tracker that keeps what it is told."""

    def __init__(self) -> None:
        self.records: list[dict[str, float]] = []

    def log(self, record: Mapping[str, float], step: int) -> None:
        self.records.append(dict(record) | {"logged_at": step})

    def finish(self, summary: Mapping[str, float], outcome: Outcome | None = None) -> None:
        pass


def train(
    folder: Path,
    settings: Training,
    steps: int = 10,
    stop: Callable[[], bool] = lambda: False,
    every: int = 100,
    dropout: float = 0.5,
    curve: Curve | None = None,
) -> tuple[bool, State, Curve, LineTask]:
    task = LineTask(settings, steps, dropout)
    state = State.fresh(task.model, settings)
    checkpoints = Checkpoints(str(folder), "fingerprint", keep=2)
    checkpoints.load_latest(state)
    curve = curve or Curve()
    loop = Loop(
        task, state, ALONE, seed=7, checkpoints=checkpoints, checkpoint_every=every, tracker=curve, stop_requested=stop
    )
    return loop.run(), state, curve, task


def after(steps: int) -> Callable[[], bool]:
    asked = iter([False] * steps)
    return lambda: next(asked, True)


def weights(state: State) -> dict[str, Any]:
    return {name: tensor.clone() for name, tensor in state.model.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_stopped_run_continues_to_the_very_same_weights(tmp_path: Path, settings: Training) -> None:
    finished, undisturbed, _, _ = train(tmp_path / "undisturbed", settings)
    assert finished
    for _ in range(3):
        finished, _, _, _ = train(tmp_path / "stopped", settings, stop=after(3))
        assert not finished
    finished, resumed, _, _ = train(tmp_path / "stopped", settings)
    assert finished
    assert same(weights(undisturbed), weights(resumed))
    assert resumed.tokens == undisturbed.tokens == 80


def test_the_curve_of_a_stopped_run_has_each_point_once(tmp_path: Path, settings: Training) -> None:
    _, undisturbed, _, _ = train(tmp_path / "undisturbed", settings)
    train(tmp_path / "stopped", settings, stop=after(5))
    _, resumed, _, _ = train(tmp_path / "stopped", settings)
    one, other = ([computed(point) for point in state.history] for state in (undisturbed, resumed))
    assert one == other
    assert [record["step"] for record in resumed.history] == [2, 4, 6, 8, 10]


def test_seeking_reads_no_earlier_batch(tmp_path: Path, settings: Training) -> None:
    train(tmp_path, settings, stop=after(6))
    _, _, _, task = train(tmp_path, settings)
    assert min(task.seen) == 6


def test_micro_batches_change_nothing_but_rounding(tmp_path: Path, settings: Training) -> None:
    runs = [
        train(tmp_path / str(size), settings.model_copy(update={"micro_batch_size": size}), dropout=0.0)[1]
        for size in (8, 2)
    ]
    for one, other in zip(*(weights(state).values() for state in runs), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_points_come_at_the_asked_steps_and_at_the_last(tmp_path: Path, settings: Training) -> None:
    _, _, curve, _ = train(tmp_path, settings, steps=7)
    assert [record["logged_at"] for record in curve.records] == [2, 4, 6, 7]
    assert ["eval/line_loss" in record for record in curve.records] == [False, True, False, True]
    assert {"train/loss", "train/learning_rate", "train/grad_norm"} <= curve.records[0].keys()


def test_a_point_tells_how_far_its_step_moved_the_weights(tmp_path: Path, settings: Training) -> None:
    _, state, _, _ = train(tmp_path, settings, steps=3, stop=after(1))
    before = weights(state)
    _, state, curve, _ = train(tmp_path, settings, steps=3, stop=after(1))
    moved = [(tensor - before[name]).square().sum() for name, tensor in state.model.state_dict().items()]
    torch.testing.assert_close(curve.records[0]["train/update_norm"], float(torch.stack(moved).sum().sqrt()))


def test_a_point_tells_what_held_its_steps_up(tmp_path: Path, settings: Training) -> None:
    curve = Curve()
    # The save is in the background, so the step by which it is complete is the machine's affair.
    train(tmp_path, settings, 10_000, lambda: "checkpoint/step" in (curve.records or [{}])[-1], every=10, curve=curve)
    point = curve.records[-1]
    assert 0 <= point["train/data_wait"] <= 1
    assert point["train/padding"] == 1 - 1 / settings.max_length  # a sample of this task is one token
    assert point["train/restarts"] == 0
    assert point["checkpoint/step"] % 10 == 0
    assert point["checkpoint/seconds"] > 0
    assert "checkpoint/step" not in curve.records[0]


def test_the_loss_goes_down(tmp_path: Path, settings: Training) -> None:
    fast = settings.model_copy(update={"optimizer": settings.optimizer.model_copy(update={"learning_rate": 0.05})})
    _, _, curve, _ = train(tmp_path, fast, steps=60, dropout=0.0)
    assert curve.records[-1]["train/loss"] < 0.5 * curve.records[0]["train/loss"]


def test_the_last_step_is_saved_and_only_the_newest_and_the_best_are_kept(tmp_path: Path, settings: Training) -> None:
    train(tmp_path, settings, steps=40, every=2)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) <= 3
    assert names[-1] == "step-00000040"


def test_each_forward_pass_of_training_and_evaluation_is_a_sign_of_life(tmp_path: Path, settings: Training) -> None:
    beats: list[int] = []
    task = LineTask(settings, steps=3)
    state = State.fresh(task.model, settings)
    loop = Loop(
        task,
        state,
        ALONE,
        seed=7,
        checkpoints=Checkpoints(str(tmp_path), "fingerprint", keep=2),
        checkpoint_every="auto",
        tracker=Curve(),
        stop_requested=lambda: False,
        beat=lambda: beats.append(state.step),
    )
    assert loop.run()
    assert beats == [0, 0, 1, 1, 2, 2]
    task.model(torch.ones(1, 2))
    assert len(beats) == 7
