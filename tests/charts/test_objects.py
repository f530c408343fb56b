import json
import re
import tomllib
from typing import Any

import helm_python
import kubernetes_validate
import pytest
import yaml
from kubeflow.training.api_client import ApiClient

from tests.charts.chart import (
    CHART,
    EVERYTHING,
    EXAMPLES,
    ROOT,
    SMALL,
    differences,
    job,
    objects,
    parsed,
    render,
    with_values,
)
from tests.charts.operator_rules import refusals
from trainer.config.load import load
from trainer.config.recipes import recipe_names
from trainer.config.schema import Run

ALL = {"small": SMALL, "everything": EVERYTHING, **{path.stem: yaml.safe_load(path.read_text()) for path in EXAMPLES}}
every_values = pytest.mark.parametrize("values", ALL.values(), ids=ALL.keys())


class Response:
    """What the API client reads from."""

    def __init__(self, content: Any) -> None:
        self.data = json.dumps(content)


@every_values
def test_strict_lint_has_nothing_to_say(values: dict[str, Any]) -> None:
    report = helm_python.lint(CHART, values, strict=True)
    assert [message["error"] for message in report["messages"]] == ["icon is recommended"]
    assert report["errors"] == []


def test_the_chart_alone_passes_strict_lint() -> None:
    assert helm_python.lint(CHART, strict=True)["errors"] == []


@every_values
def test_every_object_is_valid_in_the_kubernetes_api(values: dict[str, Any]) -> None:
    for (kind, _), item in objects(values).items():
        if kind not in ("PyTorchJob", "PodMonitor"):
            kubernetes_validate.validate(item, "1.34", strict=True)


@every_values
def test_the_pytorchjob_has_no_field_that_the_operator_does_not_know(values: dict[str, Any]) -> None:
    client = ApiClient()
    model = client.deserialize(Response(job(values)), "KubeflowOrgV1PyTorchJob")
    assert list(differences(job(values), client.sanitize_for_serialization(model))) == []


@every_values
def test_pod_templates_are_valid_pods(values: dict[str, Any]) -> None:
    for replica in job(values)["spec"]["pytorchReplicaSpecs"].values():
        pod = {"apiVersion": "v1", "kind": "Pod", **replica["template"]}
        kubernetes_validate.validate(pod, "1.34", strict=True)


@every_values
def test_the_operators_webhook_admits_the_job(values: dict[str, Any]) -> None:
    assert refusals(job(values)) == []


def test_the_rules_of_the_webhook_find_faults() -> None:
    broken = job(SMALL)
    broken["metadata"]["name"] = "9-" + "x" * 60
    master, worker = broken["spec"]["pytorchReplicaSpecs"].values()
    del master["replicas"]
    worker["replicas"] = 0
    worker["template"]["spec"]["containers"][0]["name"] = "trainer"
    del master["template"]["spec"]["containers"][0]["image"]
    assert len(refusals(broken)) == 6


@every_values
def test_every_object_says_whose_it_is(values: dict[str, Any]) -> None:
    for item in objects(values).values():
        labelled = [item["metadata"]]
        if item["kind"] == "PyTorchJob":
            labelled += [part["template"]["metadata"] for part in item["spec"]["pytorchReplicaSpecs"].values()]
        for metadata in labelled:
            assert {
                "app.kubernetes.io/name": "berth",
                "app.kubernetes.io/instance": "my-run",
                "app.kubernetes.io/managed-by": "Helm",
                "app.kubernetes.io/part-of": "berth",
                "app.kubernetes.io/version": "0.1.0",
                "helm.sh/chart": "berth-0.1.0",
            }.items() <= metadata["labels"].items()
            for value in metadata["labels"].values():
                assert re.fullmatch(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", value)


def test_the_chart_pulls_the_image_of_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    with helm_python.Chart.load(CHART) as chart:
        assert chart.metadata["appVersion"] == project["version"]


@every_values
def test_two_renderings_differ_in_nothing_but_the_made_token(values: dict[str, Any]) -> None:
    first, second = parsed(render(values)), parsed(render(values))
    assert first.keys() == second.keys()
    made = [(place, key) for key in first for place in differences(first[key], second[key])]
    assert made == ([] if values.get("ray_token") else [("data.token", ("Secret", "my-run-ray-token"))])


@every_values
def test_names_are_made_of_the_releases_name_alone(values: dict[str, Any]) -> None:
    suffixes = {name.removeprefix("my-run") for _, name in objects(values)}
    assert suffixes <= {"", "-master", "-workers", "-scores", "-ray-token", "-dashboard"}


@every_values
def test_upgrading_workers_changes_one_field(values: dict[str, Any]) -> None:
    before, after = objects(values), objects(with_values(values, workers=7))
    changed = {(kind, place) for kind, name in before for place in differences(before[kind, name], after[kind, name])}
    replicas = ("PyTorchJob", "spec.pytorchReplicaSpecs.Worker.replicas")
    assert changed - {("Secret", "data.token")} == {replicas}


def test_the_longest_name_of_a_run_fits() -> None:
    name = "n" * 40
    assert refusals(objects(SMALL, name)["PyTorchJob", name]) == []


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_reaches_the_pod_as_it_is(name: str) -> None:
    run = load(name)
    settings = run.model_dump(mode="json", exclude={"name"}) | {"storage": "s3://bert/runs"}
    processes = run.scaling.most_workers
    values = {
        "workers": 1,
        "run": settings,
        "worker": {
            "cpu": processes * run.scaling.cpus_per_worker,
            "gpus": processes * run.scaling.gpus_per_worker,
        },
    }
    text = objects(values)["ConfigMap", "my-run"]["data"]["run.yaml"]
    assert Run.model_validate(yaml.safe_load(text)) == Run(name="my-run", **settings)


def test_the_token_is_made_long_and_never_changed() -> None:
    secret = objects(SMALL)["Secret", "my-run-ray-token"]
    assert len(secret["data"]["token"]) == 64  # 48 characters in base64
    assert secret["immutable"] is True


def test_a_named_token_is_mounted_and_none_is_made() -> None:
    found = objects(EVERYTHING)
    assert [name for kind, name in found if kind == "Secret"] == []
    template = job(EVERYTHING)["spec"]["pytorchReplicaSpecs"]["Master"]["template"]
    volume = {volume["name"]: volume for volume in template["spec"]["volumes"]}["ray-token"]
    assert volume["secret"] == {"secretName": "token-of-others", "items": [{"key": "ray", "path": "token"}]}


def test_a_claim_is_made_only_where_a_size_is_given_and_kept_only_where_asked() -> None:
    assert not any(kind == "PersistentVolumeClaim" for kind, _ in objects(SMALL))
    sized = with_values(SMALL, storage={"size": "1Gi"})
    assert "annotations" not in objects(sized)["PersistentVolumeClaim", "my-run"]["metadata"]
    kept = objects(EVERYTHING)["PersistentVolumeClaim", "my-run"]
    assert kept["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert kept["spec"]["storageClassName"] == "shared"


def test_the_jobs_own_settings_stand_where_kueue_and_the_operator_look() -> None:
    plain, full = job(SMALL), job(EVERYTHING)
    assert plain["spec"]["runPolicy"] == {"cleanPodPolicy": "Running"}
    assert full["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "gpus"
    assert full["spec"]["runPolicy"] == {
        "cleanPodPolicy": "Running",
        "suspend": True,
        "ttlSecondsAfterFinished": 1036800,
        "schedulingPolicy": {"minAvailable": 2, "queue": "gpus"},
    }
    for spec in (plain["spec"], full["spec"]):
        assert "elasticPolicy" not in spec
        assert {replica["restartPolicy"] for replica in spec["pytorchReplicaSpecs"].values()} == {"ExitCode"}


def test_a_ttl_of_no_seconds_is_a_ttl() -> None:
    values = with_values(SMALL, job__ttl_seconds_after_finished=0)
    assert job(values)["spec"]["runPolicy"]["ttlSecondsAfterFinished"] == 0


def test_draining_takes_workers_one_by_one_and_the_master_unless_held() -> None:
    budgets = {name: item["spec"] for (kind, name), item in objects(SMALL).items() if kind == "PodDisruptionBudget"}
    assert budgets.keys() == {"my-run-workers"}
    assert budgets["my-run-workers"]["maxUnavailable"] == 1
    assert budgets["my-run-workers"]["selector"]["matchLabels"] == {
        "training.kubeflow.org/job-name": "my-run",
        "training.kubeflow.org/replica-type": "worker",
    }
    assert objects(EVERYTHING)["PodDisruptionBudget", "my-run-master"]["spec"]["minAvailable"] == 1


def test_the_service_account_has_no_token_and_the_annotations_given() -> None:
    plain, full = (objects(values)["ServiceAccount", "my-run"] for values in (SMALL, EVERYTHING))
    assert plain["automountServiceAccountToken"] is False
    assert "annotations" not in plain["metadata"]
    assert full["metadata"]["annotations"] == {"example.com/role": "reader"}


def test_the_service_account_may_patch_this_job_only_where_progress_annotations_are_asked_for() -> None:
    assert not [kind for kind, _ in objects(SMALL) if kind.startswith("Role")]
    full = objects(EVERYTHING)
    rule = {
        "apiGroups": ["kubeflow.org"],
        "resources": ["pytorchjobs"],
        "resourceNames": ["my-run"],
        "verbs": ["patch"],
    }
    assert full["Role", "my-run"]["rules"] == [rule]
    binding = full["RoleBinding", "my-run"]
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "my-run"}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "my-run", "namespace": "berth"}]


def test_prometheus_is_told_of_the_metrics_port() -> None:
    assert not any(kind == "PodMonitor" for kind, _ in objects(SMALL))
    monitor = objects(EVERYTHING)["PodMonitor", "my-run"]
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert monitor["spec"]["selector"]["matchLabels"]["training.kubeflow.org/job-role"] == "master"
    assert monitor["spec"]["podMetricsEndpoints"] == [{"port": "metrics", "interval": "30s"}]


def test_the_notes_say_what_to_type_and_what_uninstalling_deletes() -> None:
    made = with_values(SMALL, storage={"size": "1Gi"})
    notes = render(made)["berth/templates/NOTES.txt"]
    assert "kubectl -n berth logs -f my-run-master-0" in notes
    assert "helm -n berth test my-run" in notes
    assert "/storage/my-run on PersistentVolumeClaim my-run" in notes
    assert "Uninstalling deletes that claim" in notes
    assert "Uninstalling deletes" not in render(SMALL)["berth/templates/NOTES.txt"]


def test_the_test_pod_leaves_nothing_that_uninstalling_would_not_find() -> None:
    annotations = objects(SMALL)["Pod", "my-run-scores"]["metadata"]["annotations"]
    assert annotations["helm.sh/hook"] == "test"
    deleted = annotations["helm.sh/hook-delete-policy"].split(",")
    assert {"before-hook-creation", "hook-succeeded", "hook-failed"} == set(deleted)
