"""The guard in the loop, on a task some of whose batches are poisoned."""

import dataclasses
from collections.abc import Callable, Collection
from pathlib import Path

import pytest
import torch

from tests.engine.line_task import LineTask
from tests.engine.test_loop import ALONE, Curve, after, same, weights
from trainer.config import schema
from trainer.config.schema import Training
from trainer.engine.checkpoint import Checkpoints
from trainer.engine.guard import Guard
from trainer.engine.loop import Loop
from trainer.engine.state import State, Vigilance
from trainer.errors import BerthError


class PoisonedTask(LineTask):
    """Some of its batches are multiplied by what makes their losses infinite, or large."""

    def __init__(self, settings: Training, steps: int, poisoned: Collection[int], factor: float) -> None:
        super().__init__(settings, steps)
        self.poisoned = poisoned
        self.factor = factor

    def inputs(self, batch: int) -> torch.Tensor:
        return super().inputs(batch) * (self.factor if batch in self.poisoned else 1)


def train(
    folder: Path,
    settings: Training,
    poisoned: Collection[int],
    steps: int = 20,
    factor: float = torch.inf,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[State, PoisonedTask]:
    task = PoisonedTask(settings, steps, poisoned, factor)
    state = State.fresh(task.model, settings)
    checkpoints = Checkpoints(str(folder), "fingerprint", keep=2)
    checkpoints.load_latest(state)
    Loop(
        task, state, ALONE, seed=7, checkpoints=checkpoints, checkpoint_every=5, tracker=Curve(), stop_requested=stop
    ).run()
    return state, task


def figures(state: State) -> tuple[int, int, int]:
    return state.vigilance.skipped, state.vigilance.rollbacks, state.vigilance.passed_over


def healthy(state: State) -> bool:
    return all(tensor.isfinite().all() for tensor in weights(state).values())


def test_a_step_on_an_infinite_batch_changes_nothing_and_is_told(
    tmp_path: Path, settings: Training, caplog: pytest.LogCaptureFixture
) -> None:
    before, _ = train(tmp_path / "before", settings, poisoned=(), steps=20, stop=after(7))
    bad, _ = train(tmp_path / "bad", settings, poisoned=[7], steps=20, stop=after(8))
    assert same(weights(before), weights(bad))
    for one, other in zip(before.optimizer.state.values(), bad.optimizer.state.values(), strict=True):
        assert all(torch.equal(one[name], other[name]) for name in ("step", "exp_avg", "exp_avg_sq"))
    assert (before.step, bad.step) == (7, 8)
    assert figures(bad) == (1, 0, 0)
    assert "step 8 was skipped" in caplog.text


def test_the_curve_has_the_number_of_skipped_steps(tmp_path: Path, settings: Training) -> None:
    state, _ = train(tmp_path, settings, poisoned=[3, 12], steps=20)
    counts = {record["step"]: record["train/skipped_steps"] for record in state.history}
    assert (counts[2], counts[8], counts[20]) == (0, 1, 2)
    assert state.history[-1]["train/rollbacks"] == 0


def test_a_spike_is_skipped_once_there_is_a_mean_to_tell_it_by(tmp_path: Path, settings: Training) -> None:
    early, _ = train(tmp_path / "early", settings, poisoned=[50], steps=60, factor=1e4)
    late, _ = train(tmp_path / "late", settings, poisoned=[150], steps=160, factor=1e4)
    assert (early.vigilance.skipped, late.vigilance.skipped) == (0, 1)


def test_bad_steps_in_a_row_go_back_to_the_checkpoint_and_on_with_other_batches(
    tmp_path: Path, settings: Training, caplog: pytest.LogCaptureFixture
) -> None:
    """Saved at 5; batches 6 to 10 are bad, which is known for certain after step 11."""
    state, task = train(tmp_path, settings, poisoned=range(6, 11))
    assert state.step == 20
    assert figures(state) == (5, 1, 7)
    assert task.seen[:12] == list(range(12))
    assert set(task.seen[-15:]) == set(range(12, 27))
    assert "the training goes back to step 5 and on with other batches" in caplog.text
    assert [record["step"] for record in state.history] == list(range(2, 21, 2))


@pytest.mark.parametrize("stopped_after", [3, 7, 11, 12, 13, 17])
def test_a_run_that_was_stopped_around_a_rollback_ends_with_the_very_same_weights(
    tmp_path: Path, settings: Training, stopped_after: int
) -> None:
    undisturbed, _ = train(tmp_path / "undisturbed", settings, poisoned=range(6, 11))
    train(tmp_path / "stopped", settings, poisoned=range(6, 11), stop=after(stopped_after))
    resumed, _ = train(tmp_path / "stopped", settings, poisoned=range(6, 11))
    assert same(weights(undisturbed), weights(resumed))
    assert figures(undisturbed) == figures(resumed)
    assert dataclasses.asdict(undisturbed.vigilance) == dataclasses.asdict(resumed.vigilance)


def test_no_checkpoint_is_saved_on_schedule_amid_bad_steps(tmp_path: Path, settings: Training) -> None:
    train(tmp_path, settings, poisoned=[9], stop=after(12))
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["step-00000005", "step-00000012"]


def test_a_training_that_does_not_get_on_is_given_up(tmp_path: Path, settings: Training) -> None:
    with pytest.raises(BerthError, match=r"5 steps in a row .+ to step 5 2 times already; lower the learning"):
        train(tmp_path, settings, poisoned=range(6, 100))


def test_a_training_that_is_bad_before_its_first_checkpoint_is_given_up(tmp_path: Path, settings: Training) -> None:
    patient = settings.model_copy(update={"guard": schema.Guard(rollback_after=2)})
    with pytest.raises(BerthError, match="there is no checkpoint to go back to; lower the learning rate"):
        train(tmp_path, patient, poisoned=range(2, 100))
    assert not any(tmp_path.iterdir())


def test_weights_that_are_not_finite_are_never_saved(tmp_path: Path, settings: Training) -> None:
    task = LineTask(settings, 10)
    torch.nn.init.constant_(task.model[0].weight, torch.nan)
    with pytest.raises(BerthError, match=r"step-00000000: not saved, 0.weight is not finite"):
        Checkpoints(str(tmp_path), "fingerprint", keep=2).save(State.fresh(task.model, settings), task.tokenizer)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("loss", [torch.nan, torch.inf])
def test_an_infinite_loss_is_bad_even_if_its_gradient_is_not(loss: float) -> None:
    guard = Guard(schema.Guard(), torch.device("cpu"), Vigilance())
    assert guard.judge(torch.tensor(loss), torch.tensor(1.0)) == 1
    assert guard.judge(torch.tensor(3.0), torch.tensor(1.0)) == 0


def test_a_spike_is_no_part_of_the_mean() -> None:
    guard = Guard(schema.Guard(spike_factor=3), torch.device("cpu"), Vigilance())
    verdicts = [int(guard.judge(torch.tensor(1.0), torch.tensor(norm))) for norm in [2.0] * 100 + [6.1, 5.9]]
    guard.read(102, now=True)
    assert verdicts == [0] * 100 + [1, 0]
    assert guard.vigilance == Vigilance(skipped=1, good=101, mean_norm=pytest.approx(2 + 3.9 / 100, rel=1e-6))
