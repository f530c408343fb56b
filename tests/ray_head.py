"""A real Ray head, started as a pod starts it. Its ports are pinned, so there is one at a time on a machine."""

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.berth import below, until
from trainer.runtime.ray_node import HEAD_PORT, PORTS, RayNode


@contextmanager
def ray_head(monkeypatch: pytest.MonkeyPatch, ip: str = "127.0.0.1") -> Iterator[psutil.Process]:
    """Its process, as long as the block lasts, when all that a head has listens."""
    before = set(psutil.Process().children())
    with (
        tempfile.TemporaryDirectory(prefix="ray-") as short,  # sockets' paths have 107 bytes at most
        Path(tempfile.gettempdir(), "berth-tests-ray-ports.lock").open("w") as lock,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        monkeypatch.setenv("RAY_TMPDIR", short)  # where it says that it is there, to all that look for a cluster
        monkeypatch.setenv("RAY_raylet_start_wait_time_s", "300")  # a busy machine is no failure
        node = RayNode.head(ip)
        [process] = set(psutil.Process().children()) - before
        try:
            own = {HEAD_PORT, PORTS["node-manager-port"], PORTS["runtime-env-agent-port"]}
            until(lambda: not node.running or own <= set(listening(process)))
            assert node.running, node.last_words()
            yield process
        finally:
            node.kill()


def listening(process: psutil.Process) -> dict[int, str]:
    """The TCP ports on which it and what it has started listen -> at which address."""
    of_each = below(process.pid, lambda one: one.net_connections("tcp"))
    return {
        one.laddr.port: one.laddr.ip
        for connections in of_each
        for one in connections
        if one.status == psutil.CONN_LISTEN
    }
