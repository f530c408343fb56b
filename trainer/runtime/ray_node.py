"""One Ray node, as a process: the head of the cluster, or a node that joins it. Every port is pinned.

A NetworkPolicy can name the ports, and what listens is known. The dashboard and Ray Client stay off: they are ways in.
So does Ray's autoscaler: Kubernetes gives the nodes.
"""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a pod's own process stays small: only those that it starts load Ray
    from ray._private.parameter import RayParams

HEAD_PORT = 6379
PORTS = {
    "node-manager-port": 6380,
    "object-manager-port": 6381,
    "dashboard-agent-listen-port": 6383,
    "dashboard-agent-grpc-port": 6384,
    "runtime-env-agent-port": 6385,
    "metrics-export-port": 6387,
    "min-worker-port": 10002,
    "max-worker-port": 10201,
}
OBJECT_STORE_BYTES = 80_000_000
"""Ray's minimum: nothing big travels through it."""
_HEAD_ENVIRONMENT = {
    "RAY_START_HOOK": f"{__name__}.without_client",
    # A node that is cut off is given up after 4 seconds; Ray's own figures come to 50.
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "4",
}
_NODE_ENVIRONMENT = {
    # On SIGTERM a node tells that it leaves, and so long the workers have to save and go.
    "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "40",
}


class RayNode:
    """`ray start --block` and all the processes that it starts."""

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        self._output = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - as long as the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", *arguments],
            env=os.environ | environment,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @classmethod
    def head(cls, ip: str) -> "RayNode":
        """The head: it holds the cluster together and trains nothing itself."""
        own = ["--head", f"--port={HEAD_PORT}", "--num-cpus=0", "--num-gpus=0"]
        off = ["--include-dashboard=false", "--no-monitor"]
        return cls([*own, *off, *_common(ip)], _HEAD_ENVIRONMENT)

    @classmethod
    def joining(cls, head_ip: str, ip: str, cpus: int, gpus: int | None) -> "RayNode":
        """A node for workers; its GPUs are counted by Ray where None are given."""
        arguments = [f"--address={head_ip}:{HEAD_PORT}", f"--num-cpus={cpus}"]
        if gpus is not None:
            arguments.append(f"--num-gpus={gpus}")
        return cls([*arguments, *_common(ip)], _NODE_ENVIRONMENT)

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def last_words(self) -> str:
        """The end of what it printed, which begins with a page of advice on how to use Ray."""
        self._output.seek(0)
        return "\n".join(self._output.read().strip().splitlines()[-5:])

    def drain(self, seconds: float) -> None:
        """Leave: tell Ray, and wait at most so long until the workers have gone."""
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self.kill()

    def kill(self) -> None:
        """End whatever is left."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._output.close()


def without_client(parameters: "RayParams", is_head: bool) -> None:  # noqa: ARG001 - `ray start` gives both
    """Keep Ray Client's server off, for which `ray start` has no option where gRPC is installed; it calls this."""
    parameters.ray_client_server_port = None


def _common(ip: str) -> list[str]:
    ports = [f"--{name}={port}" for name, port in PORTS.items()]
    return [
        f"--node-ip-address={ip}",
        f"--object-store-memory={OBJECT_STORE_BYTES}",
        "--include-log-monitor=false",
        "--disable-usage-stats",
        *ports,
    ]
