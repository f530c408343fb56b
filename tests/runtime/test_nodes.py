import os
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.util import placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from trainer.config.operation import Scaling
from trainer.runtime import nodes

pytestmark = pytest.mark.usefixtures("real_ray")

CPUS = len(os.sched_getaffinity(0))


class RayTrainWorker:
    """What `nodes` knows of the real one is its name."""

    def process(self) -> int:
        return os.getpid()


def started(name: str, **options: Any) -> Any:
    """An actor of a class of that name, at work."""
    actor: Any = ray.remote(type(name, (RayTrainWorker,), {})).options(**options).remote()
    ray.get(actor.process.remote())
    return actor


def test_all_cores_of_this_machine_are_places() -> None:
    here = nodes.places(Scaling(num_workers=1000))
    assert here.workers == CPUS
    assert list(here.nodes.values()) == [CPUS]


def test_other_users_of_the_machine_cannot_enter_what_ray_opens_to_all() -> None:
    session = Path(ray._private.worker._global_node.get_session_dir_path())
    own = Path(tempfile.gettempdir(), f"berth-{os.getuid()}")
    assert own in session.parents
    assert own.stat().st_mode & 0o777 == 0o700
    assert session.stat().st_mode & 0o777 == 0o777, "Ray has learnt: its folder needs no other around it"


def test_what_a_failed_group_left_is_cleared_away() -> None:
    place = placement_group([{"CPU": 1}])
    ray.get(place.ready())
    left = started(nodes.WORKER, num_cpus=1, scheduling_strategy=PlacementGroupSchedulingStrategy(place))
    assert [actor.name for actor in nodes.living(nodes.WORKER)] == [nodes.WORKER]
    assert nodes.cleared(10)
    assert nodes.living(nodes.WORKER) == []
    assert ray.available_resources()["CPU"] == CPUS
    with pytest.raises(ray.exceptions.RayActorError):
        ray.get(left.process.remote())


def test_nothing_left_is_cleared_at_once() -> None:
    deadline = time.monotonic() + 20
    while ray.available_resources().get("CPU") != CPUS and time.monotonic() < deadline:
        time.sleep(0.1)
    assert nodes.cleared(0.05)


def test_what_still_holds_a_place_is_not_waited_for_longer_than_said() -> None:
    somebody = started("SomebodyElse", num_cpus=1)
    assert not nodes.cleared(1)
    ray.kill(somebody)
