"""Saving in the background, on storage that misbehaves."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.line_task import LineTask
from tests.engine.test_loop import ALONE, Curve, same, train, weights
from tests.faulty_s3 import FaultyS3
from trainer import storage
from trainer.config.schema import Training
from trainer.engine.checkpoint import Checkpoints, newest
from trainer.engine.loop import Loop
from trainer.engine.saver import Saver
from trainer.engine.state import State
from trainer.errors import StorageError, StorageUnavailable

PLACE = "s3://bucket/checkpoints"


def on_s3(name: str, patience_minutes: float = 1.0) -> Checkpoints:
    return Checkpoints(f"{PLACE}/{name}", "fingerprint", keep=2, patience_minutes=patience_minutes)


def state_of(settings: Training, step: int) -> tuple[State, LineTask]:
    task = LineTask(settings, 1000)
    state = State.fresh(task.model, settings)
    state.step = step
    return state, task


def trained(
    checkpoints: Checkpoints, settings: Training, steps: int, between_steps: Callable[[State], object]
) -> State:
    """Saved each fifth step."""
    task = LineTask(settings, steps)
    state = State.fresh(task.model, settings)
    checkpoints.load_latest(state)

    def stop_requested() -> bool:
        between_steps(state)
        return False

    options = {"checkpoint_every": 5, "tracker": Curve(), "stop_requested": stop_requested}
    assert Loop(task, state, ALONE, seed=7, checkpoints=checkpoints, **options).run()  # pyright: ignore[reportArgumentType]
    return state


def test_what_is_written_is_the_state_when_it_was_saved_though_training_goes_on(
    tmp_path: Path, settings: Training
) -> None:
    checkpoints = Checkpoints(str(tmp_path), "fingerprint", keep=1)
    state, task = state_of(settings, 3)
    before = {name: tensor.clone() for name, tensor in weights(state).items()}
    with Saver(checkpoints) as saver:
        saver.save(state, task.tokenizer)
        for parameter in state.model.parameters():
            parameter.data.zero_()
        state.step = 4
        saver.wait()
    loaded, _ = state_of(settings, 0)
    assert checkpoints.load_latest(loaded)
    assert loaded.step == 3
    assert same(before, weights(loaded))


@pytest.mark.slow
def test_training_goes_on_while_the_storage_is_away_and_no_step_is_lost(
    faulty: FaultyS3, settings: Training, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    away: list[int] = []

    def between_steps(state: State) -> None:
        time.sleep(0.01)
        if state.step == 7:
            faulty.misbehave("slow_down", share=1, in_a_row=10**6)
        if faulty.injected:
            away.append(state.step)
        if state.step == 60:
            faulty.misbehave()

    state = trained(on_s3("away"), settings, 80, between_steps)
    assert away[-1] - away[0] > 40
    assert newest(f"{PLACE}/away") == "step-00000080"
    _, undisturbed, _, _ = train(tmp_path, settings, steps=80)
    assert same(weights(state), weights(undisturbed))


def test_storage_that_denies_ends_the_training_and_the_last_checkpoint_stays(
    faulty: FaultyS3, settings: Training
) -> None:
    begun = on_s3("denied")
    state, task = state_of(settings, 3)
    begun.save(state, task.tokenizer)

    def between_steps(state: State) -> None:
        time.sleep(0.01)
        if state.step == 4:
            faulty.misbehave("denied", share=1, in_a_row=10**6)

    with pytest.raises(StorageError, match=r"step-00000005.*: cannot be \w+: permission denied; check"):
        trained(begun, settings, 1000, between_steps)
    faulty.misbehave()
    assert newest(begun.uri) == "step-00000003"


def test_storage_that_stays_away_ends_the_training_when_the_patience_does(
    faulty: FaultyS3, settings: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    def between_steps(state: State) -> None:
        time.sleep(0.01)
        if state.step == 4:
            faulty.misbehave("slow_down", share=1, in_a_row=10**6)

    with pytest.raises(StorageUnavailable, match=r"step-0000.+ \(tried again for 0\.\d minutes\); mend"):
        trained(on_s3("gone", patience_minutes=0.02), settings, 10_000, between_steps)


def test_a_full_disk_ends_the_training_and_the_last_checkpoint_stays(
    small_disk: Callable[[int], Path], settings: Training
) -> None:
    folder = small_disk(64) / "checkpoints"
    checkpoints = Checkpoints(str(folder), "fingerprint", keep=100)
    with pytest.raises(StorageError, match="cannot be written: no space left on device"):
        trained(checkpoints, settings, 1000, lambda state: time.sleep(0.005))
    whole = newest(str(folder))
    assert whole is not None
    assert max(path.name for path in folder.iterdir()) == whole  # nothing is left of the one that did not fit
    assert checkpoints.load_latest(state_of(settings, 0)[0])


def test_a_checkpoint_is_waited_for_when_the_storage_is_away(
    faulty: FaultyS3, settings: Training, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """To take storage that is away for an empty one would begin anew."""
    checkpoints = on_s3("there")
    state, task = state_of(settings, 3)
    checkpoints.save(state, task.tokenizer)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    faulty.misbehave("slow_down", share=1, in_a_row=10**6)
    threading.Timer(6, faulty.misbehave).start()  # longer than s3fs tries by itself
    loaded, _ = state_of(settings, 0)
    assert checkpoints.load_latest(loaded)
    assert loaded.step == 3
    assert "it is tried again" in caplog.text
    assert "torn" not in caplog.text
    assert storage.names(checkpoints.uri) == ["step-00000003"]
