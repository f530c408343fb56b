"""A real Ray head, started as a pod starts it."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator

import psutil
import pytest

from tests.end_to_end.berth import below, until
from trainer.runtime.ray_node import HEAD_PORT, PORTS, RayNode


@pytest.fixture
def head(monkeypatch: pytest.MonkeyPatch) -> Iterator[psutil.Process]:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    before = set(psutil.Process().children())
    with tempfile.TemporaryDirectory(prefix="ray-") as short:  # sockets' paths have 107 bytes at most
        monkeypatch.setenv("RAY_TMPDIR", short)  # where it says that it is there, to all that look for a cluster
        node = RayNode.head("127.0.0.1")
        [process] = set(psutil.Process().children()) - before
        try:
            own = {HEAD_PORT, PORTS["node-manager-port"], PORTS["runtime-env-agent-port"]}
            until(lambda: own <= listening(process))
            yield process
        finally:
            node.kill()


def listening(head: psutil.Process) -> set[int]:
    """TCP ports."""
    of_each = below(head.pid, lambda process: process.net_connections("tcp"))
    return {one.laddr.port for connections in of_each for one in connections if one.status == psutil.CONN_LISTEN}


def test_a_head_starts_no_way_in_and_listens_on_pinned_ports_only(head: psutil.Process) -> None:
    assert listening(head) <= {HEAD_PORT, *PORTS.values()}
    started = " ".join(below(head.pid, lambda process: " ".join(process.cmdline())))
    assert "gcs_server" in started
    assert "ray.util.client.server" not in started
    assert "autoscaler" not in started


def test_a_run_on_this_machine_leaves_a_cluster_that_somebody_started_here_alone(head: psutil.Process) -> None:
    own = "with nodes.connected(): print('at', ray.get_runtime_context().gcs_address)"
    program = f"import ray; from trainer.runtime import nodes\n{own}"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "at " in said
    assert f":{HEAD_PORT}" not in said
