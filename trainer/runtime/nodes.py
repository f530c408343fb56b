"""The nodes that Ray has, and how many workers fit on them.

On a laptop that is this machine, started here; in a pod it is the cluster at RAY_ADDRESS, whose nodes come and go.
"""

import logging
import os
import signal
import socket
import stat
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import ray
import ray.exceptions
from ray._private.state import state  # Ray Train reads draining nodes here as well; there is no public way
from ray._private.worker import global_worker
from ray.core.generated import gcs_pb2
from ray.util import placement_group_table, remove_placement_group
from ray.util.placement_group import PlacementGroup

from trainer.config.operation import Scaling
from trainer.errors import BerthError, InputError, Stalled
from trainer.runtime.ray_node import OBJECT_STORE_BYTES

CONTROLLER = "TrainController"
WORKER = "RayTrainWorker"
"""The actors by which Ray Train runs a group of workers."""


@contextmanager
def connected() -> Generator[None]:
    """Ray, as long as the block lasts.

    Raises:
        InputError: it cannot start with what its variables say.
        Stalled: it did not start, or was not reached, in time.
    """
    local: dict[str, Any] = {} if in_cluster() else _local()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **local)
    except Exception as error:  # of many kinds, Exception itself among them
        ray.shutdown()
        raise _not_started(error) from error
    for number, handler in handlers.items():  # Ray has put its own in their place, by which SIGTERM aborts the process
        signal.signal(number, handler)
    try:
        yield
    finally:
        ray.shutdown()


def _not_started(error: Exception) -> BerthError:
    """Wrong paths and ports can be mended; all else is most likely a machine that is too slow for Ray's patience."""
    why = str(error).partition("\n")[0].partition(". ")[0]
    passing = isinstance(error, ConnectionError | TimeoutError)
    if isinstance(error, ValueError | OSError) and not passing:
        return InputError("Ray", f"it cannot start: {why}", "mend that; RAY_TMPDIR, if it is set, is its folder")
    return Stalled(f"Ray did not start: {why}; try again, with less at work on this machine")


def _local() -> dict[str, Any]:
    """How Ray is started on this machine."""
    own = {} if "RAY_TMPDIR" in os.environ else {"_temp_dir": str(_own_folder() / "ray")}
    return {"address": "local", "include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES, **own}


def _own_folder() -> Path:
    """A folder that no other user of this machine may enter: Ray lets everybody write to what it makes in there."""
    folder = Path(tempfile.gettempdir(), f"berth-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        problem = "is not a folder that you alone may enter"
        raise InputError(str(folder), problem, "remove it, or set RAY_TMPDIR to a folder of your own")
    return folder


def in_cluster() -> bool:
    """Whether the nodes are those of a cluster that is there already."""
    return "RAY_ADDRESS" in os.environ


def end_actors(*class_names: str) -> None:
    """End the actors of these classes, and the workers that they started; there is no public way without a handle."""
    core_worker: Any = global_worker.core_worker  # pyright: ignore[reportAttributeAccessIssue] - set by `ray.init`
    actors = cast(dict[str, dict[str, Any]], state.actor_table(None))
    for actor_id, actor in actors.items():
        if actor["ActorClassName"] in class_names and actor["State"] != "DEAD":
            core_worker.kill_actor(ray.ActorID.from_hex(actor_id), True)


def cleared(seconds: float) -> bool:
    """End what a failed group has left, and wait at most so long until nothing uses a CPU; whether it came to that."""
    deadline = time.monotonic() + seconds
    try:
        end_actors(CONTROLLER, WORKER)
        for group_id, group in placement_group_table().items():
            if group["state"] != "REMOVED":
                remove_placement_group(PlacementGroup(ray.PlacementGroupID.from_hex(group_id)))
        while time.monotonic() < deadline:
            if _free():
                return True
            time.sleep(0.1)
    except ray.exceptions.RayError:
        pass
    return False


def _free() -> bool:
    """Whether nothing uses a CPU of a node that answers. What a silent one has is not known until Ray gives it up."""
    available: dict[str, dict[str, float]] = state.available_resources_per_node()
    return all(
        available.get(node["NodeID"], {}).get("CPU", 0) >= node["Resources"].get("CPU", 0)
        for node in ray.nodes()
        if node["Alive"] and _answers(node)
    )


@dataclass(frozen=True, slots=True)
class Kind:
    """Actors that differ in neither can have each other's processes."""

    node: str
    environment: str
    """Ray's runtime environment, as Ray writes it."""


@dataclass(frozen=True, slots=True)
class Actor:
    id: str
    name: str
    """Of its class."""
    kind: Kind


def living(*class_names: str) -> list[Actor]:
    """The actors of these classes that this job has now; there is no public way without a dashboard."""
    table: Any = gcs_pb2.ActorTableData  # pyright: ignore[reportAttributeAccessIssue] - made when it is imported
    accessor: Any = state._connect_and_get_accessor()  # pyright: ignore[reportPrivateUsage]
    job = ray.JobID.from_hex(ray.get_runtime_context().get_job_id())
    found = [table.FromString(row) for row in accessor.get_actor_table(job, "ALIVE")]
    return [
        Actor(row.actor_id.hex(), row.class_name, Kind(row.address.node_id.hex(), row.serialized_runtime_env))
        for row in found
        if row.class_name in class_names
    ]


def address(node_id: str) -> str | None:
    """Where a node listens to Ray; None where it is no more."""
    return next(
        (
            f"{node['NodeManagerAddress']}:{node['NodeManagerPort']}"
            for node in ray.nodes()
            if node["Alive"] and node["NodeID"] == node_id
        ),
        None,
    )


@dataclass(frozen=True, slots=True)
class Places:
    """Where workers may run now."""

    workers: int
    """That fit, at most `scaling.most_workers`."""
    nodes: Mapping[str, int]
    """That they fit on, and how many on each."""


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
        min(sum(counts.values()), scaling.most_workers), {node: count for node, count in counts.items() if count}
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
