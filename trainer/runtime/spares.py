"""Processes that wait for the next group of workers, so that it need not wait for them.

To start Python, import torch and Ray's libraries takes most of a restart. Ray keeps a started process that nothing uses
and gives it to the next actor of the same job and environment. So beside each process of a group that trains another
one is started on the same node, and on nodes that join as many as workers fit there. A spare that is missing (it was
needed, or memory ran out and Ray ended it) costs its start when it would be used, and nothing else.
"""

import time
from collections import Counter
from typing import Any

import grpc
import ray
from ray._private.grpc_utils import init_grpc_channel
from ray._private.utils import get_runtime_env_info
from ray.core.generated import common_pb2, node_manager_pb2
from ray.core.generated.node_manager_pb2_grpc import NodeManagerServiceStub
from ray.runtime_env import RuntimeEnv

from trainer.runtime import nodes
from trainer.runtime.nodes import Kind, Places

AFTER = 20.0
"""Their imports take the group's cores, some seconds of each: a short run does without."""
LOOK_EVERY = 1.0
"""Seconds."""
_PROTOCOL: Any = node_manager_pb2
_LANGUAGE: Any = common_pb2
"""Their messages are made when they are imported."""
KEEP = 10**8
"""Seconds that Ray lets a spare wait; they end with the job."""
ANSWER = 5.0
"""Seconds that a node has to answer; it may be about to leave."""


class Spares:
    """Those of one connection with Ray.

    Args:
        after: seconds that a group works before it gets them.
    """

    def __init__(self, after: float = AFTER) -> None:
        self._after = after
        self._waiting: Counter[Kind] = Counter()
        self._group: frozenset[str] = frozenset()
        self._began = self._looked = float("-inf")

    def renew(self, here: Places) -> None:
        """Start what is missing beside the group that works now; to be called again and again.

        Args:
            here: where workers fit now; its nodes without a worker have just joined.
        """
        now = time.monotonic()
        if now - self._looked < LOOK_EVERY:
            return
        self._looked = now
        living = nodes.living(nodes.CONTROLLER, nodes.WORKER)
        group = frozenset(actor.id for actor in living)
        if group - self._group:
            self._waiting -= Counter(actor.kind for actor in living if actor.id not in self._group)
            self._began = now
        self._group = group
        workers = Counter(actor.kind for actor in living if actor.name == nodes.WORKER)
        joined = joining(workers, here)
        if not joined and now - self._began < self._after:
            return
        wanted = Counter(actor.kind for actor in living) + joined
        for kind, count in (wanted - self._waiting).items():
            if _start(kind, count):
                self._waiting[kind] += count


def joining(workers: Counter[Kind], here: Places) -> Counter[Kind]:
    """Processes on nodes without workers, where the next group will need them."""
    nodes_now = {kind.node for kind in workers}
    stay = sum(count for node, count in here.nodes.items() if node in nodes_now)
    if not workers or stay >= here.workers:
        return Counter()
    environment = next(iter(workers)).environment
    return Counter({Kind(node, environment): count for node, count in here.nodes.items() if node not in nodes_now})


def _start(kind: Kind, count: int) -> bool:
    """Ask a node for so many processes; whether it does it. Ray asks its nodes in the same way, for queued tasks."""
    address = nodes.address(kind.node)
    if address is None:
        return False
    info: Any = get_runtime_env_info(RuntimeEnv())
    info.serialized_runtime_env = kind.environment
    request = _PROTOCOL.PrestartWorkersRequest(
        language=_LANGUAGE.PYTHON,
        job_id=bytes.fromhex(ray.get_runtime_context().get_job_id()),
        runtime_env_info=info,
        keep_alive_duration_secs=KEEP,
        num_workers=count,
    )
    channel: Any = init_grpc_channel(address)
    try:
        with channel:
            NodeManagerServiceStub(channel).PrestartWorkers(request, timeout=ANSWER)
    except grpc.RpcError:
        return False
    return True
