"""The chart's GPU side on nodes that only claim to have GPUs: real scheduler, real kubelet, CPU backend."""

from collections.abc import Callable

import pytest

from tests.cluster.conftest import Cluster
from tests.cluster.kubectl import get, until
from tests.cluster.release import Release, Values, merged

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600, func_only=True)]


def test_pods_with_two_gpus_are_scheduled_where_gpus_are_and_train(
    release: Callable[[str], Release], on_s3: Values, cluster: Cluster
) -> None:
    cluster.lane("gpus", "node1", "0")
    cluster.lane("gpus", "node2", "4")
    run = release("with-gpus").install(merged(on_s3, {"workers": 2, "worker": {"limits": {"nvidia.com/gpu": 2}}}))
    assert run.ended(400) == "Succeeded"
    pods = run.pods()
    assert {pods[f"with-gpus-worker-{index}"]["spec"]["nodeName"] for index in (0, 1)} == {"node2"}


def test_a_pod_with_more_gpus_than_any_node_waits(
    release: Callable[[str], Release], on_s3: Values, cluster: Cluster
) -> None:
    cluster.lane("gpus", "node2", "4")
    values = {"worker": {"gpus": 8, "cpu": 8}, "run": {"scaling": {"gpus_per_worker": 1}}}
    run = release("eight-gpus").install(merged(on_s3, values))
    until(
        lambda: any("Insufficient nvidia.com/gpu" in event["message"] for event in get("-n", run.namespace, "events")),
        60,
        "the scheduler says that GPUs are missing",
        run.namespace,
    )
