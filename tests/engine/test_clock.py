"""What a point of the curves tells of the time that its steps took."""

import pytest

from tests.own_time import OwnTime, own_time
from trainer.config.schema import Training
from trainer.engine import clock as module
from trainer.engine.clock import Clock

ROOM = 8 * 16
"""Tokens in a batch of the settings that is full."""


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> OwnTime:
    return own_time(monkeypatch, module)


def test_figures_are_those_of_the_steps_since_the_last_look(settings: Training, time: OwnTime) -> None:
    clock = Clock(settings, peak=None)
    time.sleep(7)
    clock.step(ROOM, 1e12)
    clock.figures()
    for seconds in (1, 3):
        time.sleep(seconds)
        assert clock.step(ROOM / 4, 5e11) == seconds
    figures = clock.figures()
    assert figures["train/tokens_per_second"] == ROOM / 2 / 4
    assert figures["train/tflops"] == 1 / 4
    assert figures["train/padding"] == 0.75
    assert "train/mfu" not in figures


def test_mfu_is_the_share_of_what_the_gpus_could_do(settings: Training, time: OwnTime) -> None:
    clock = Clock(settings, peak=4e12)
    time.sleep(2)
    clock.step(ROOM, 1e12)
    assert clock.figures()["train/mfu"] == 1 / 2 / 4


def test_waiting_for_a_batch_is_told_as_a_share_and_an_evaluation_is_left_out(
    settings: Training, time: OwnTime
) -> None:
    clock = Clock(settings, peak=None)
    with clock.waiting():
        time.sleep(1)
    time.sleep(2)
    clock.step(ROOM, 1e12)
    time.sleep(50)
    clock.leave_out()
    time.sleep(1)
    clock.step(ROOM, 1e12)
    assert clock.figures()["train/data_wait"] == 1 / 4
