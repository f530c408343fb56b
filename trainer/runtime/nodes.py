"""The nodes that Ray has, and how many workers fit on them.

On a laptop that is this machine, started here; in a pod it is the cluster at RAY_ADDRESS, whose nodes come and go.
"""

import logging
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import ray
from ray._private.state import state  # Ray Train reads draining nodes here as well; there is no public way
from ray._private.worker import global_worker

from trainer.config.schema import Scaling
from trainer.runtime.ray_node import OBJECT_STORE_BYTES


@contextmanager
def connected() -> Generator[None]:
    """Ray, as long as the block lasts."""
    local: dict[str, Any] = {"include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
    ray.init(log_to_driver=False, logging_level=logging.ERROR, **({} if in_cluster() else local))
    try:
        yield
    finally:
        ray.shutdown()


def in_cluster() -> bool:
    """Whether the nodes are those of a cluster that is there already."""
    return "RAY_ADDRESS" in os.environ


def end_actors(class_name: str) -> None:
    """End the actors of a class, and the workers that they have started; there is no public way without a handle."""
    core_worker: Any = global_worker.core_worker  # pyright: ignore[reportAttributeAccessIssue] - set by `ray.init`
    actors = cast(dict[str, dict[str, Any]], state.actor_table(None))
    for actor_id, actor in actors.items():
        if actor["ActorClassName"] == class_name and actor["State"] != "DEAD":
            core_worker.kill_actor(ray.ActorID.from_hex(actor_id), True)


@dataclass(frozen=True, slots=True)
class Places:
    """Where workers may run now."""

    workers: int
    """That fit, at most `scaling.most_workers`."""
    nodes: frozenset[str]
    """That they fit on."""


def places(scaling: Scaling, *, reachable_only: bool = False) -> Places:
    """Count the places on nodes that are alive and not about to leave.

    Args:
        reachable_only: knock at each node's door first. Ray believes in a dead node for some seconds more, and workers
            that are sent there are waited for in vain.
    """
    leaving: dict[str, int] = state.get_draining_nodes()
    counts = {
        node["NodeID"]: _workers(node["Resources"], scaling)
        for node in ray.nodes()
        if node["Alive"] and node["NodeID"] not in leaving and (not reachable_only or _answers(node))
    }
    return Places(
        min(sum(counts.values()), scaling.most_workers), frozenset(node for node, count in counts.items() if count)
    )


def _workers(resources: dict[str, float], scaling: Scaling) -> int:
    fitting = resources.get("CPU", 0) // scaling.cpus_per_worker
    return int(min(fitting, resources.get("GPU", 0)) if scaling.gpus_per_worker else fitting)


def _answers(node: dict[str, Any]) -> bool:
    try:
        with socket.create_connection((node["NodeManagerAddress"], node["NodeManagerPort"]), timeout=1):
            return True
    except OSError:
        return False
