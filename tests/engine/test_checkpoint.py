import json
import math
from pathlib import Path

import pytest
import torch

from tests.engine.line_task import LineTask
from trainer.config.schema import Training
from trainer.engine.checkpoint import Checkpoints
from trainer.engine.state import State
from trainer.errors import CheckpointError, StorageError


def trained(settings: Training, step: int) -> tuple[State, LineTask]:
    """A state after a step of the optimizer, said to be after `step` steps."""
    task = LineTask(settings, 10)
    state = State.fresh(task.model, settings)
    (task.losses(task.model, torch.ones(4, 2)).losses.sum()).backward()
    state.optimizer.step()
    state.step = step
    state.history = [{"step": step, "train/loss": 0.1 + step}]
    return state, task


def save(checkpoints: Checkpoints, settings: Training, step: int, held_out_loss: float | None = None) -> None:
    state, task = trained(settings, step)
    state.held_out_loss = held_out_loss
    checkpoints.save(state, task.tokenizer)


def steps(checkpoints: Checkpoints) -> list[int]:
    return sorted(int(path.name.removeprefix("step-")) for path in Path(checkpoints.uri).iterdir())


def fresh(settings: Training) -> State:
    return State.fresh(LineTask(settings, 10).model, settings)


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(str(tmp_path), "fingerprint", keep=3)


@pytest.fixture
def saved(checkpoints: Checkpoints, settings: Training) -> Checkpoints:
    for step in (5, 9):
        save(checkpoints, settings, step)
    return checkpoints


def test_a_saved_state_is_loaded_bit_for_bit(saved: Checkpoints, settings: Training) -> None:
    before, _ = trained(settings, 9)
    state = fresh(settings)
    assert saved.load_latest(state)
    assert (state.step, state.history) == (9, before.history)
    for name, tensor in before.model.state_dict().items():
        assert torch.equal(tensor, state.model.state_dict()[name])
    for one, other in zip(before.model.parameters(), state.model.parameters(), strict=True):
        assert torch.equal(before.optimizer.state[one]["exp_avg_sq"], state.optimizer.state[other]["exp_avg_sq"])


def test_nothing_is_loaded_where_nothing_was_saved(checkpoints: Checkpoints, settings: Training) -> None:
    assert not checkpoints.load_latest(fresh(settings))


def test_an_interrupted_save_is_passed_over(saved: Checkpoints, settings: Training, tmp_path: Path) -> None:
    (tmp_path / "step-00000009" / "complete.json").unlink()
    state = fresh(settings)
    assert saved.load_latest(state)
    assert state.step == 5


@pytest.mark.parametrize("file", ["model.safetensors", "optimizer.safetensors", "state.json", "complete.json"])
def test_a_torn_checkpoint_is_passed_over_with_a_warning(
    saved: Checkpoints, settings: Training, tmp_path: Path, file: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "step-00000009" / file
    path.write_bytes(path.read_bytes()[:-20])
    state = fresh(settings)
    assert saved.load_latest(state)
    assert state.step == 5
    assert "passed over a torn checkpoint" in caplog.text
    assert file in caplog.text


def test_a_missing_file_makes_a_checkpoint_torn(saved: Checkpoints, settings: Training, tmp_path: Path) -> None:
    (tmp_path / "step-00000009" / "model.safetensors").unlink()
    state = fresh(settings)
    assert saved.load_latest(state)
    assert state.step == 5


def test_a_checkpoint_of_another_configuration_is_refused(saved: Checkpoints, settings: Training) -> None:
    other = Checkpoints(saved.uri, "another fingerprint", keep=3)
    with pytest.raises(CheckpointError, match="step-00000009: it belongs to another configuration; give the run"):
        other.load_latest(fresh(settings))


def test_a_checkpoint_of_another_configuration_is_passed_over_where_an_own_one_stands_before_it(
    saved: Checkpoints, settings: Training, caplog: pytest.LogCaptureFixture
) -> None:
    save(Checkpoints(saved.uri, "another fingerprint", keep=9), settings, 20)
    state = fresh(settings)
    assert saved.load_latest(state)
    assert state.step == 9
    assert "passed over a checkpoint of another configuration: " + saved.uri in caplog.text
    save(saved, settings, 11)
    assert steps(saved) == [5, 9, 11, 20]


def test_where_the_storage_does_not_let_us_look_nothing_begins_anew(saved: Checkpoints, settings: Training) -> None:
    """A file in the place of the folder: neither missing nor torn."""
    folder = Path(saved.uri, "step-00000009")
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").mkdir()
    with pytest.raises(StorageError, match=r"model\.safetensors: cannot be read"):
        saved.load_latest(fresh(settings))


def test_the_newest_and_the_best_stay(checkpoints: Checkpoints, settings: Training) -> None:
    for step, loss in enumerate([None, 5.0, 3.0, 3.0, math.nan, 4.0, 6.0, 5.0], start=1):
        save(checkpoints, settings, step, loss)
    assert steps(checkpoints) == [3, 6, 7, 8]
    again = Checkpoints(checkpoints.uri, "fingerprint", keep=1)
    save(again, settings, 9, 2.0)
    assert steps(again) == [9]


def test_what_a_rollback_left_behind_goes_with_the_next_save(saved: Checkpoints, settings: Training) -> None:
    """Nobody comes back to a later step that was passed over, and an interrupted save is of no use."""
    (Path(saved.uri) / "step-00000012" / "deep").mkdir(parents=True)
    save(saved, settings, 7)
    assert steps(saved) == [5, 7]


def test_a_second_phase_takes_weights_and_moments_but_no_steps(saved: Checkpoints, settings: Training) -> None:
    before, _ = trained(settings, 9)
    state = fresh(settings)
    saved.load_weights_and_moments(state)
    assert (state.step, state.history) == (0, [])
    one, other = next(before.model.parameters()), next(state.model.parameters())
    assert torch.equal(one, other)
    assert torch.equal(before.optimizer.state[one]["exp_avg"], state.optimizer.state[other]["exp_avg"])
    assert float(state.optimizer.state[other]["step"]) == 0


def test_a_phase_without_the_one_before_is_refused(checkpoints: Checkpoints, settings: Training) -> None:
    with pytest.raises(CheckpointError, match="no whole checkpoint of the phase before"):
        checkpoints.load_weights_and_moments(fresh(settings))


def test_a_checkpoint_holds_no_pickle(saved: Checkpoints, tmp_path: Path) -> None:
    names = {path.name for path in (tmp_path / "step-00000009").iterdir()}
    assert names == {
        "complete.json",
        "history.jsonl",
        "model.safetensors",
        "optimizer.safetensors",
        "state.json",
        "vocab.txt",
    }
    sums = json.loads((tmp_path / "step-00000009" / "complete.json").read_text())["sha256"]
    assert sums.keys() == names - {"complete.json"}
