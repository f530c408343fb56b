"""What `helm upgrade` and `helm rollback` change of a run that is there."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.cluster.kubectl import get, kubectl
from tests.cluster.release import Release, Values, merged

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300, func_only=True)]

KINDS = "pytorchjobs,configmaps,secrets,serviceaccounts,networkpolicies,poddisruptionbudgets"


def objects(run: Release) -> dict[str, Any]:
    """Everything of the release but what Kubernetes itself writes, by kind and name."""
    found = get("-n", run.namespace, KINDS, "-l", f"app.kubernetes.io/instance={run.name}")
    return {f"{each['kind']}/{each['metadata']['name']}": _spec(each) for each in found}


def _spec(thing: dict[str, Any]) -> dict[str, Any]:
    kept = ("labels", "annotations")
    metadata = {name: value for name, value in thing["metadata"].items() if name in kept}
    return {name: value for name, value in thing.items() if name not in ("status", "metadata")} | metadata


def changed(before: dict[str, Any], after: dict[str, Any], path: str = "") -> list[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        names = sorted(before.keys() | after.keys())
        return [found for name in names for found in changed(before.get(name), after.get(name), f"{path}/{name}")]
    return [] if before == after else [path]


def test_upgrade_and_rollback_change_the_workers_and_nothing_else(
    release: Callable[[str], Release], on_s3: Values
) -> None:
    # What an upgrade does to objects needs no training: the pods wait for a node that does not exist.
    nowhere = {"worker": {"node_selector": {"not": "there"}}, "master": {"node_selector": {"not": "there"}}}
    values = merged(on_s3, nowhere)
    run = release("upgraded").install(values)
    first = objects(run)
    replicas = "/PyTorchJob/upgraded/spec/pytorchReplicaSpecs/Worker/replicas"

    run.upgrade(values, "--set", "workers=2")
    assert changed(first, objects(run)) == [replicas]
    assert run.job()["spec"]["pytorchReplicaSpecs"]["Worker"]["replicas"] == 2

    run.helm("rollback", run.name, "1", "-n", run.namespace)
    assert changed(first, objects(run)) == []

    kubectl("scale", "-n", run.namespace, f"pytorchjob/{run.name}", "--replicas=3")
    run.upgrade(values, "--set", "workers=3")
    assert changed(first, objects(run)) == [replicas]

    run.uninstall()
    assert objects(run) == {}
