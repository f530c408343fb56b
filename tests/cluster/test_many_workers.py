"""The control path with 256 Workers: real API server, scheduler and operator; the nodes and pods are KWOK's."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.cluster.conftest import Cluster
from tests.cluster.kubectl import get, kubectl, until
from tests.cluster.release import FAKE, Release, Values, merged, now

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900, func_only=True)]

NAME = "many"


def running(namespace: str) -> int:
    names = kubectl("get", "pods", "-n", namespace, "--field-selector=status.phase=Running", "-o", "name")
    return len(names.split())


def requests_so_far() -> int:
    """Requests to jobs and what belongs to them that the API server has answered, whoever asked, by its own count."""
    metrics = kubectl("get", "--raw", "/metrics").splitlines()
    watched = ("pods", "services", "pytorchjobs", "events")
    counted = [
        line
        for line in metrics
        if line.startswith("apiserver_request_total") and any(f'resource="{kind}"' in line for kind in watched)
    ]
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in counted)


def test_256_workers_are_made_halved_and_made_again(
    new_release: Callable[[str, str], Release], namespace: str, on_s3: Values, cluster: Cluster
) -> None:
    cluster.lane("fake", "32")
    values: dict[str, Any] = merged(on_s3, {"workers": 256, "worker": FAKE, "master": FAKE})
    run = new_release(NAME, namespace)
    steps: tuple[tuple[int, Callable[[], object]], ...] = (
        (256, lambda: run.install(values)),
        (128, lambda: run.scale(128)),
        (256, lambda: run.scale(256)),
    )
    for workers, change in steps:
        calls, began = requests_so_far(), now()
        change()
        until(lambda count=workers + 1: running(namespace) == count, 300, f"{workers} Workers and a Master", namespace)
        seconds = (now() - began).total_seconds()
        print(f"{workers} Workers: {seconds:.0f} s, {requests_so_far() - calls} requests to the API server")
    services = ("-n", namespace, "services", "-l", f"training.kubeflow.org/job-name={NAME}")
    until(
        lambda: len(get(*services)) == 257, 120, "a Service for each pod, which the operator makes after it", namespace
    )
    run.uninstall()
