"""Real processes of a real Ray; that a group trains in them, to the same bit, is in tests/end_to_end."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psutil
import pytest
import ray

from tests.runtime.test_nodes import started
from trainer.config.operation import Scaling
from trainer.runtime import nodes
from trainer.runtime.nodes import Kind, Places
from trainer.runtime.spares import Spares, joining

pytestmark = pytest.mark.usefixtures("real_ray")

ENVIRONMENT = {"env_vars": {"OF_WORKERS": "1"}}


@pytest.fixture
def worker() -> Iterator[Callable[[], Any]]:
    """Starts an actor of Ray Train's name, and ends it at last."""
    actors: list[Any] = []

    def start() -> Any:
        actors.append(started(nodes.WORKER, num_cpus=0, runtime_env=ENVIRONMENT))
        return actors[-1]

    yield start
    for actor in actors:
        ray.kill(actor)


def here() -> Places:
    return nodes.places(Scaling(num_workers=1))


def waiting() -> set[int]:
    """The processes that have the workers' environment and that no actor uses."""
    found: set[int] = set()
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # ended since
            if "ray::IDLE" in child.cmdline()[:1] and "OF_WORKERS" in child.environ():
                found.add(child.pid)
    return found


def appeared(before: set[int]) -> set[int]:
    deadline = time.monotonic() + 60
    while not waiting() - before and time.monotonic() < deadline:
        time.sleep(0.1)
    return waiting() - before


def test_the_next_worker_takes_the_process_that_waits(worker: Callable[[], Any]) -> None:
    spares, first = Spares(after=0), worker()
    before = waiting()
    spares.renew(here())
    spare = appeared(before)
    assert len(spare) == 1
    ray.kill(first)
    for _ in range(5):  # it has its name a moment before Ray counts it among those that wait
        took = ray.get(worker().process.remote())
        if took in spare:
            break
    assert took in spare


def test_one_spare_beside_each_worker_is_enough(worker: Callable[[], Any]) -> None:
    spares, _ = Spares(after=0), worker()
    before = waiting()
    spares.renew(here())
    assert len(appeared(before)) == 1
    time.sleep(1.1)
    spares.renew(here())
    time.sleep(3)
    assert len(waiting() - before) == 1


def test_nodes_that_join_get_as_many_as_workers_fit_there() -> None:
    workers = Counter({Kind("old", "environment"): 2})
    there = Kind("new", "environment")
    assert joining(workers, Places(4, {"old": 2, "new": 2})) == {there: 2}
    assert joining(workers, Places(2, {"new": 2})) == {there: 2}, "the old one leaves"


def test_nodes_that_are_not_needed_get_none() -> None:
    workers = Counter({Kind("old", "environment"): 2})
    assert not joining(workers, Places(2, {"old": 2, "new": 2}))
    assert not joining(Counter(), Places(2, {"new": 2})), "no group works yet"


def test_a_young_group_has_its_cores_for_itself(worker: Callable[[], Any]) -> None:
    spares, _ = Spares(after=1000), worker()
    before = waiting()
    spares.renew(here())
    time.sleep(3)
    assert waiting() <= before
