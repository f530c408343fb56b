"""What a point of the curves tells of the time that its steps took."""

import time

import pytest

from trainer.config.schema import Training
from trainer.engine.clock import Clock

ROOM = 8 * 16
"""Tokens in a batch of the settings that is full."""


def test_figures_are_those_of_the_steps_since_the_last_look(settings: Training) -> None:
    clock = Clock(settings, peak=None)
    clock.step(ROOM, 1e12)
    clock.figures()
    seconds = sum(clock.step(ROOM / 4, 5e11) for _ in range(2))
    figures = clock.figures()
    assert figures["train/tokens_per_second"] == pytest.approx(ROOM / 2 / seconds)
    assert figures["train/tflops"] == pytest.approx(1 / seconds)
    assert figures["train/padding"] == 0.75
    assert "train/mfu" not in figures


def test_mfu_is_the_share_of_what_the_gpus_could_do(settings: Training) -> None:
    clock = Clock(settings, peak=4e12)
    seconds = clock.step(ROOM, 1e12)
    assert clock.figures()["train/mfu"] == pytest.approx(1 / seconds / 4)


def test_waiting_for_a_batch_is_told_as_a_share_and_an_evaluation_is_left_out(settings: Training) -> None:
    clock = Clock(settings, peak=None)
    with clock.waiting():
        time.sleep(0.05)
    time.sleep(0.05)
    clock.step(ROOM, 1e12)
    time.sleep(0.5)
    clock.leave_out()
    clock.step(ROOM, 1e12)
    assert 0.3 < clock.figures()["train/data_wait"] < 0.7
