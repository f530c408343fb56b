from typing import Any

import pytest

from tests.charts.chart import EVERYTHING, SMALL, objects, with_values
from tests.charts.network import Host, allows

JOB = "training.kubeflow.org/job-name"


def pod(run: str, ip: str, namespace: str = "berth") -> Host:
    labels = {"app.kubernetes.io/name": "berth", "app.kubernetes.io/instance": run, JOB: run}
    return Host(ip, namespace, labels)


MASTER, WORKER = pod("my-run", "10.1.0.1"), pod("my-run", "10.1.0.2")
NEIGHBOUR = pod("other-run", "10.1.0.3")
NAMESAKE = pod("my-run", "10.1.0.4", namespace="elsewhere")
STRANGER = Host("10.1.0.5", "berth", {"app": "web"})
PROMETHEUS = Host("10.1.0.6", "monitoring", {"app": "prometheus"})
MINIO = Host("10.1.0.7", "minio", {"app": "minio"})
DNS = Host("10.1.0.8", "kube-system", {"k8s-app": "kube-dns"})
INTERNET, STORE, METADATA = Host("203.0.113.9"), Host("10.80.0.1"), Host("169.254.169.254")
TEST = Host("10.1.0.9", "berth", {"app.kubernetes.io/name": "berth", "app.kubernetes.io/instance": "my-run"})
PORTS = [6379, 6380, 6381, 6383, 6384, 6385, 6386, 10002, 10201, 45678]  # Ray's, and one that torch draws


def policies(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        item
        for run in ("my-run", "other-run")
        for (kind, _), item in objects(values, run).items()
        if kind == "NetworkPolicy"
    ]


@pytest.mark.parametrize("port", PORTS)
def test_pods_of_a_run_reach_each_other_on_every_port(port: int) -> None:
    assert allows(policies(SMALL), WORKER, MASTER, port)
    assert allows(policies(SMALL), MASTER, WORKER, port)
    assert allows(policies(SMALL), WORKER, MASTER, port, "UDP")


@pytest.mark.parametrize("port", [*PORTS, 443, 53, 8265])
@pytest.mark.parametrize("source", [NEIGHBOUR, NAMESAKE, STRANGER, PROMETHEUS, INTERNET, TEST])
def test_nobody_else_reaches_a_run(source: Host, port: int) -> None:
    assert not allows(policies(SMALL), source, MASTER, port)
    assert not allows(policies(SMALL), source, WORKER, port)


def test_a_run_asks_dns_wherever_it_is() -> None:
    for place in (DNS, STORE):  # a pod, or the node
        assert allows(policies(SMALL), WORKER, place, 53, "UDP")
        assert allows(policies(SMALL), WORKER, place, 53, "TCP")


def test_a_run_reaches_https_and_nothing_else_outside() -> None:
    assert allows(policies(SMALL), WORKER, INTERNET, 443)
    assert allows(policies(SMALL), WORKER, Host("2001:db8::1"), 443)
    assert not allows(policies(SMALL), WORKER, INTERNET, 443, "UDP")
    for target, port in ((INTERNET, 80), (METADATA, 80), (STORE, 9000), (MINIO, 9000), (NEIGHBOUR, 6379)):
        assert not allows(policies(SMALL), WORKER, target, port)


def test_https_can_be_narrowed_and_other_stores_be_named() -> None:
    assert allows(policies(EVERYTHING), WORKER, INTERNET, 443)
    assert not allows(policies(EVERYTHING), WORKER, Host("198.51.100.1"), 443)
    assert allows(policies(EVERYTHING), WORKER, STORE, 9000)
    assert allows(policies(EVERYTHING), WORKER, MINIO, 9000)
    assert not allows(policies(EVERYTHING), WORKER, STORE, 9001)
    none = with_values(SMALL, network_policy={"https_cidrs": []})
    assert not allows(policies(none), WORKER, INTERNET, 443)


def test_who_scrapes_metrics_reaches_their_port_alone() -> None:
    assert allows(policies(EVERYTHING), PROMETHEUS, WORKER, 6386)
    assert not allows(policies(EVERYTHING), PROMETHEUS, WORKER, 6379)
    assert not allows(policies(EVERYTHING), STRANGER, WORKER, 6386)


def test_the_test_reaches_the_storage_and_not_the_run() -> None:
    assert allows(policies(EVERYTHING), TEST, STORE, 9000)
    assert not allows(policies(EVERYTHING), TEST, MASTER, 6379)


def test_the_policy_can_be_left_to_the_cluster() -> None:
    assert policies(with_values(SMALL, network_policy__enabled=False)) == []
