import pytest

from tests.own_time import OwnTime, own_time
from trainer.config.operation import Scaling
from trainer.runtime import resizing as module
from trainer.runtime.nodes import Places
from trainer.runtime.resizing import Resizing


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> OwnTime:
    return own_time(monkeypatch, module)


def places(workers: int, *nodes: str) -> Places:
    return Places(workers, dict.fromkeys(nodes, 1))


def resizing(settle_seconds: float) -> Resizing:
    return Resizing(Scaling(settle_seconds=settle_seconds), places(2, "a", "b"))


def test_a_group_stays_while_its_nodes_stay() -> None:
    assert not resizing(0).due(places(2, "a", "b"))


def test_a_node_that_leaves_is_not_waited_for() -> None:
    assert resizing(60).due(places(1, "a"))


def test_the_last_node_leaving_is_a_resize_too() -> None:
    assert resizing(60).due(places(0))


def test_a_node_that_takes_the_place_of_another_is_a_resize() -> None:
    assert resizing(60).due(places(2, "a", "c"))


def test_nodes_that_join_one_after_the_other_are_one_resize(time: OwnTime) -> None:
    watched = resizing(10)
    assert not watched.due(places(3, "a", "b", "c"))
    time.sleep(6)
    assert not watched.due(places(4, "a", "b", "c", "d"))
    time.sleep(6)
    assert not watched.due(places(4, "a", "b", "c", "d"))
    time.sleep(6)
    assert watched.due(places(4, "a", "b", "c", "d"))


def test_a_node_that_comes_and_goes_is_no_resize(time: OwnTime) -> None:
    watched = resizing(5)
    assert not watched.due(places(3, "a", "b", "c"))
    time.sleep(10)
    assert not watched.due(places(2, "a", "b"))


def test_nodes_over_the_most_workers_change_nothing() -> None:
    watched = resizing(0)
    watched.due(places(2, "a", "b", "c"))
    assert not watched.due(places(2, "a", "b", "c"))
