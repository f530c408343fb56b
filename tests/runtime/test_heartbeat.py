from collections.abc import Callable

import pytest

from tests.own_time import own_time
from trainer.runtime import heartbeat
from trainer.runtime.heartbeat import Pulse, Sign


@pytest.fixture
def signs() -> list[Sign]:
    return []


@pytest.fixture
def new(signs: list[Sign]) -> Callable[[], Pulse]:
    return lambda: Pulse(signs.append, rank=3, node="a node")


def test_every_new_thing_is_told_at_once(new: Callable[[], Pulse], signs: list[Sign]) -> None:
    worker = new()
    worker.enter("training")
    assert [(sign.rank, sign.doing, sign.done) for sign in signs] == [(3, "starting", 0), (3, "training", 0)]


def test_passes_are_told_now_and_then_however_fast_they_are(
    new: Callable[[], Pulse], signs: list[Sign], monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = new()
    for _ in range(1000):
        worker.beat()
    assert len(signs) == 2
    monkeypatch.setattr(heartbeat, "_TELL_EVERY", 0)
    worker.beat()
    assert signs[-1].done == 1001


def test_the_next_pass_can_be_foreseen_after_some_even_ones(new: Callable[[], Pulse], signs: list[Sign]) -> None:
    worker = new()
    for even in (True, False):
        worker.enter("training", even=even)
        assert not signs[-1].steady
        for _ in range(3):
            worker.beat()
        assert signs[-1].steady is even


def test_the_slowest_pass_is_known_and_those_that_compile_are_none(
    new: Callable[[], Pulse], signs: list[Sign], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "_TELL_EVERY", 0)
    time = own_time(monkeypatch, heartbeat)
    worker = new()
    worker.enter("training", even=True)
    worker.beat()
    time.sleep(10)
    for _ in range(3):
        worker.beat()
    assert signs[-1].slowest == 0
    time.sleep(10)
    worker.beat()
    worker.beat()
    assert signs[-1].slowest == 10
