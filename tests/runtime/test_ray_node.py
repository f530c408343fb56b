"""A real Ray head, started as a pod starts it."""

import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from tests.end_to_end.berth import below
from tests.ray_head import listening, ray_head
from trainer.runtime.ray_node import HEAD_PORT, PORTS


@pytest.fixture
def head(monkeypatch: pytest.MonkeyPatch) -> Iterator[psutil.Process]:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with ray_head(monkeypatch) as process:
        yield process


def test_a_head_starts_no_way_in_and_listens_on_pinned_ports_only(head: psutil.Process) -> None:
    assert set(listening(head)) <= {HEAD_PORT, *PORTS.values()}
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
