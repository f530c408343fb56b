"""manifests/examples: what a platform engineer applies, and what a run adds to its values, are fit for each other."""

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.charts.chart import ROOT, objects
from tests.charts.operator_rules import refusals
from tests.cluster.release import merged
from trainer.config.helm import Values
from trainer.launch import rights
from trainer.launch.cluster import GROUP

EXAMPLES = {path.parent.name: path for path in sorted((ROOT / "manifests" / "examples").glob("*/values.yaml"))}
RUN = yaml.safe_load((ROOT / "charts/berth/examples/cpu-smoke.yaml").read_text())


def applied(example: str) -> dict[tuple[str, str], dict[str, Any]]:
    """What is applied once, by kind and name."""
    text = (ROOT / "manifests" / "examples" / example / "cluster.yaml").read_text()
    return {(item["kind"], item["metadata"]["name"]): item for item in yaml.safe_load_all(text)}


def job(example: str) -> dict[str, Any]:
    """The PyTorchJob of the smallest run with the example's values."""
    return objects(merged(RUN, yaml.safe_load(EXAMPLES[example].read_text())))["PyTorchJob", "my-run"]


def pods(example: str) -> list[dict[str, Any]]:
    return [replica["template"]["spec"] for replica in job(example)["spec"]["pytorchReplicaSpecs"].values()]


@pytest.mark.parametrize("file", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_the_values_are_the_charts_and_the_job_is_one_that_the_operator_admits(file: Path) -> None:
    Values.model_validate(merged(RUN, yaml.safe_load(file.read_text())))
    assert refusals(job(file.parent.name)) == []


@pytest.mark.parametrize("example", ["priority", "team"])
def test_what_is_applied_is_valid_in_the_kubernetes_api(example: str) -> None:
    for item in applied(example).values():
        kubernetes_validate.validate(item, "1.34", strict=True)


def test_a_run_waits_in_the_queue_that_is_applied() -> None:
    queue = applied("queue")["LocalQueue", job("queue")["metadata"]["labels"]["kueue.x-k8s.io/queue-name"]]
    assert ("ClusterQueue", queue["spec"]["clusterQueue"]) in applied("queue")
    assert "suspend" not in job("queue")["spec"]["runPolicy"], "which is Kueue's to set"


def test_a_gang_is_no_larger_than_the_run() -> None:
    spec = job("gang")["spec"]
    assert (
        spec["runPolicy"]["schedulingPolicy"]["minAvailable"] <= 1 + spec["pytorchReplicaSpecs"]["Worker"]["replicas"]
    )
    assert all("schedulerName" not in pod for pod in pods("gang")), "which the operator sets"


def test_every_pod_has_a_priority_that_is_applied() -> None:
    assert all(("PriorityClass", pod["priorityClassName"]) in applied("priority") for pod in pods("priority"))


def test_a_run_of_the_team_fits_its_quota() -> None:
    quota = applied("team")["ResourceQuota", "berth"]["spec"]["hard"]
    gpus = [pod["containers"][0]["resources"].get("limits", {}).get("nvidia.com/gpu", 0) for pod in pods("team")]
    assert sum(gpus) <= int(quota["requests.nvidia.com/gpu"])


def test_the_teams_role_has_all_rights_that_berth_needs() -> None:
    rules = applied("team")["Role", "berth"]["rules"]
    given = {
        rights.Right(verb, group, resource)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert {right for needed in rights.NEEDED.values() for right in needed} - given == set()
    assert {right.group for right in given} == {GROUP, "", "networking.k8s.io", "policy"}
    assert not {"*"} & {part for right in given for part in right}
