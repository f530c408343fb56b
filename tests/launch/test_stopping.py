import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.launch import objects
from tests.launch.api import Query, Refusal, Server
from trainer.errors import ClusterError
from trainer.launch import stopping
from trainer.launch.cluster import Cluster

JOB = "/apis/kubeflow.org/v1/namespaces/ns/pytorchjobs/my-run"
PODS = "/api/v1/namespaces/ns/pods"


@pytest.fixture
def suspended(api: Server) -> list[Any]:
    """A run that trains; what it is told to change, after which its pods go, unless a test keeps them."""
    told: list[Any] = []

    def suspend(change: Any) -> objects.Object:
        told.append(change)
        api.answers[JOB] = lambda _: objects.job("my-run", 1, "Created", "Suspended", suspend=True)
        return api.answers[JOB]({})

    api.answers[JOB] = lambda _: objects.job("my-run", 1, "Created", "Running")
    api.answers[PODS] = lambda _: {"items": [] if told else [objects.runs()]}
    api.changes[JOB] = suspend
    return told


def test_a_run_that_stops_says_its_last_lines(api: Server, cluster: Cluster, suspended: list[Any]) -> None:
    api.answers[f"{PODS}/my-run-master-0/log"] = lambda _: iter([b"2026-11-28T07:07:00.1Z saved at step 79\n"])
    said: list[str] = []
    stopping.stop(cluster, "my-run", said.append)
    assert said == ["saved at step 79"]
    assert suspended == [{"spec": {"runPolicy": {"suspend": True}}}]


def test_a_master_whose_log_is_lost_is_stopped_all_the_same(
    api: Server, cluster: Cluster, suspended: list[Any]
) -> None:
    def lost(_: Query) -> Iterator[bytes]:
        raise Refusal(500, "dial tcp: no route to host")

    api.answers[f"{PODS}/my-run-master-0/log"] = lost
    stopping.stop(cluster, "my-run", print)
    assert suspended


def test_a_run_in_a_queue_is_stopped_and_resumed_by_its_workload(
    api: Server, cluster: Cluster, suspended: list[Any]
) -> None:
    queued = objects.job("my-run", 1, "Created", "Suspended", suspend=True)
    queued["metadata"]["labels"] = {"kueue.x-k8s.io/queue-name": "training"}
    api.answers[JOB] = lambda _: queued
    api.answers[PODS] = lambda _: {"items": []}
    api.answers["/apis/kueue.x-k8s.io"] = lambda _: {"preferredVersion": {"version": "v1beta2"}}
    asked: list[Query] = []

    def workloads(query: Query) -> objects.Object:
        asked.append(query)
        return {"items": [{"metadata": {"name": "pytorchjob-my-run-1"}}]}

    told: list[Any] = []
    within = "/apis/kueue.x-k8s.io/v1beta2/namespaces/ns/workloads"
    api.answers[within] = workloads
    api.changes[f"{within}/pytorchjob-my-run-1"] = lambda change: told.append(change) or {}
    stopping.stop(cluster, "my-run", print)
    stopping.resume(cluster, "my-run")
    assert told == [{"spec": {"active": False}}, {"spec": {"active": True}}]
    assert asked[0] == {"labelSelector": "kueue.x-k8s.io/job-uid=my-run"}
    assert suspended == []


def test_a_queue_without_kueue_holds_nothing_up(api: Server, cluster: Cluster, suspended: list[Any]) -> None:
    queued = objects.job("my-run", 1, "Created", "Running")
    queued["metadata"]["labels"] = {"kueue.x-k8s.io/queue-name": "training"}
    api.answers[JOB] = lambda _: queued
    api.answers[PODS] = lambda _: {"items": []}
    stopping.stop(cluster, "my-run", print)
    assert suspended == [{"spec": {"runPolicy": {"suspend": True}}}]


def test_a_master_that_is_silent_and_stays_is_not_waited_for_without_end(
    api: Server, cluster: Cluster, suspended: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "PATIENCE", 0.3)
    over = threading.Event()

    def silent(_: Query) -> Iterator[bytes]:
        over.wait(10)
        yield b""

    api.answers[f"{PODS}/my-run-master-0/log"] = silent
    api.answers[PODS] = lambda _: {"items": [objects.runs()]}
    with pytest.raises(ClusterError, match=r"run my-run: it is suspended, and after 0\.3 s pods stay: master-0; see"):
        stopping.stop(cluster, "my-run", print)
    assert suspended
    assert not over.is_set()
    over.set()
