import copy
import json
from pathlib import Path
from typing import Any

import helm_python
import jsonschema
import kubernetes_validate
import pytest
import yaml
from helm_python import HelmRenderError, HelmValuesError

from tests.charts.chart import parsed, with_values
from tests.charts.network import Host, allows
from tests.charts.pod_security import violations
from trainer.config import helm_corpus
from trainer.config.corpus import CorpusRun
from trainer.config.load import load_corpus

CHART = Path(__file__).parents[2] / "charts" / "berth-corpus"

SMALL: dict[str, Any] = {
    "storage": {"claim": "texts"},
    "prepare": {"corpus": {"sources": [{"path": "/storage/text"}]}},
}
"""The least that a corpus needs."""

EVERYTHING: dict[str, Any] = {
    "parts": 16,
    "prepare": {
        "storage": "s3://bert/wiki",
        "corpus": {"sources": [{"path": "s3://bert/text/*.txt", "documents": "file"}], "held_out": 0.01},
        "vocab": {"size": 40_000, "lowercase": False},
    },
    "image": {"digest": f"sha256:{'0' * 64}", "pull_secrets": ["puller"]},
    "pod": {
        "cpu": "1500m",
        "memory": "6Gi",
        "limits": {"ephemeral-storage": "50Gi"},
        "node_selector": {"pool": "cpu"},
        "tolerations": [{"key": "batch", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"nodeAffinity": {}},
        "env": {"TOKENIZERS_PARALLELISM": "true"},
        "labels": {"team": "nlp"},
        "annotations": {"example.com/paid-by": "nlp"},
        "priority_class": "batch",
    },
    "job": {"retries": 0, "suspend": True, "queue": "cpus", "ttl_seconds_after_finished": 0, "wait_minutes": 0.5},
    "storage": {"secret": "object-store"},
    "service_account": {"annotations": {"example.com/role": "writer"}},
    "network_policy": {
        "https_cidrs": ["203.0.113.0/24"],
        "extra_egress": [{"cidr": "10.80.0.1/32", "ports": [9000]}, {"namespace": "minio", "ports": [9000]}],
    },
    "global": {"from": "a chart above"},
}
"""Every value at once."""

every_values = pytest.mark.parametrize("values", [SMALL, EVERYTHING], ids=["small", "everything"])


def render(values: dict[str, Any], name: str = "wiki") -> dict[str, str]:
    with helm_python.Chart.load(CHART) as chart:
        chart.validate_schema(chart.merge_values(values))
        return chart.render(values, name=name, namespace="berth")


def objects(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """{kind: object}: there is one of each."""
    return {kind: item for (kind, _), item in parsed(render(values)).items()}


def job(values: dict[str, Any]) -> dict[str, Any]:
    return objects(values)["Job"]["spec"]


def container(values: dict[str, Any]) -> dict[str, Any]:
    (only,) = job(values)["template"]["spec"]["containers"]
    return only


def test_values_and_schema_are_fresh() -> None:
    assert (CHART / "values.yaml").read_text(encoding="utf-8") == helm_corpus.values(), "run `make charts`"
    assert (CHART / "values.schema.json").read_text(encoding="utf-8") == helm_corpus.schema(), "run `make charts`"


def test_the_charts_defaults_are_the_classes_defaults_and_fit_the_schema() -> None:
    defaults = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    text = {"corpus": {"sources": [{"path": "text"}]}}
    written = defaults | {"prepare": defaults["prepare"] | text}
    jsonschema.Draft202012Validator(json.loads(helm_corpus.schema())).validate(written)
    assert helm_corpus.CorpusValues.model_validate(written) == helm_corpus.CorpusValues.model_validate(
        {"prepare": text}
    )


@every_values
def test_strict_lint_has_nothing_to_say(values: dict[str, Any]) -> None:
    report = helm_python.lint(CHART, values, strict=True)
    assert [message["error"] for message in report["messages"]] == ["icon is recommended"]
    assert report["errors"] == []


@every_values
def test_every_object_is_valid_in_the_kubernetes_api(values: dict[str, Any]) -> None:
    found = objects(values)
    assert found.keys() == {"ConfigMap", "Job", "NetworkPolicy", "ServiceAccount"}
    for item in found.values():
        kubernetes_validate.validate(copy.deepcopy(item), "1.34", strict=True)
        assert item["metadata"]["name"] == "wiki"
        assert item["metadata"]["labels"]["app.kubernetes.io/instance"] == "wiki"


@every_values
def test_pod_security_restricted_admits_the_pods(values: dict[str, Any]) -> None:
    pod = job(values)["template"]
    assert violations(pod) == []
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert container(values)["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["spec"]["securityContext"]["runAsUser"] == pod["spec"]["securityContext"]["fsGroup"] == 65532


@pytest.mark.parametrize("parts", [1, 16])
def test_each_index_makes_its_part(parts: int) -> None:
    values = with_values(SMALL, parts=parts)
    assert job(values)["completionMode"] == "Indexed"
    assert job(values)["completions"] == job(values)["parallelism"] == parts
    assert container(values)["args"] == [
        "prepare",
        "/etc/berth/corpus.yaml",
        f"--part=$(JOB_COMPLETION_INDEX)/{parts}",
        "--wait-minutes=240",
    ]


def test_bad_input_ends_the_job_and_a_lost_pod_is_no_failure() -> None:
    assert job(SMALL)["podFailurePolicy"]["rules"] == [
        {"action": "FailJob", "onExitCodes": {"containerName": "berth", "operator": "In", "values": [2]}},
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
    ]
    assert job(SMALL)["template"]["spec"]["restartPolicy"] == "Never"
    assert (job(SMALL)["backoffLimitPerIndex"], job(SMALL)["maxFailedIndexes"]) == (6, 0)
    assert job(EVERYTHING)["backoffLimitPerIndex"] == 0


def test_the_jobs_own_settings_are_optional() -> None:
    assert {"suspend", "ttlSecondsAfterFinished"}.isdisjoint(job(SMALL))
    assert (job(EVERYTHING)["suspend"], job(EVERYTHING)["ttlSecondsAfterFinished"]) == (True, 0)
    labels = objects(EVERYTHING)["Job"]["metadata"]["labels"]
    assert labels["kueue.x-k8s.io/queue-name"] == "cpus"


@every_values
def test_the_command_reads_what_was_asked_for(values: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "corpus.yaml"
    path.write_text(objects(values)["ConfigMap"]["data"]["corpus.yaml"])
    storage = values["prepare"].get("storage", "/storage/corpus")
    assert load_corpus(str(path)) == CorpusRun.model_validate({**values["prepare"], "storage": storage})


def test_storage_is_a_volume_or_keys_of_an_existing_secret() -> None:
    small, full = container(SMALL), container(EVERYTHING)
    assert {mount["mountPath"] for mount in small["volumeMounts"]} == {"/etc/berth", "/tmp", "/storage"}
    assert {mount["mountPath"] for mount in full["volumeMounts"]} == {"/etc/berth", "/tmp"}
    assert "envFrom" not in small
    assert full["envFrom"] == [{"secretRef": {"name": "object-store"}}]


def test_pods_are_placed_as_asked_for() -> None:
    template = job(EVERYTHING)["template"]
    spec = template["spec"]
    assert template["metadata"]["labels"]["team"] == "nlp"
    assert template["metadata"]["annotations"] == {"example.com/paid-by": "nlp"}
    assert spec["nodeSelector"] == {"pool": "cpu"}
    assert spec["affinity"] == {"nodeAffinity": {}}
    assert spec["priorityClassName"] == "batch"
    assert spec["tolerations"][-1]["key"] == "batch"
    assert spec["imagePullSecrets"] == [{"name": "puller"}]
    assert container(EVERYTHING)["image"] == f"berth@sha256:{'0' * 64}"
    assert container(EVERYTHING)["resources"] == {
        "requests": {"cpu": "1500m", "memory": "6Gi"},
        "limits": {"memory": "6Gi", "ephemeral-storage": "50Gi"},
    }


def test_nobody_reaches_the_pods_and_they_reach_dns_and_storage_alone() -> None:
    labels = job(SMALL)["template"]["metadata"]["labels"]
    pod, other = Host("10.1.0.1", "berth", labels), Host("10.1.0.2", "berth", labels)
    internet, store, dns = Host("203.0.113.9"), Host("10.80.0.1"), Host("10.1.0.3", "kube-system")
    minio = Host("10.1.0.4", "minio")
    small, full = [objects(SMALL)["NetworkPolicy"]], [objects(EVERYTHING)["NetworkPolicy"]]
    for source in (other, internet, dns):
        assert not allows(small, source, pod, 443)
    assert allows(small, pod, dns, 53, "UDP")
    assert allows(small, pod, internet, 443)
    assert not allows(small, pod, internet, 80)
    assert not allows(small, pod, store, 9000)
    assert not allows(full, pod, Host("198.51.100.1"), 443)
    assert allows(full, pod, store, 9000)
    assert allows(full, pod, minio, 9000)
    assert "NetworkPolicy" not in objects(with_values(SMALL, network_policy__enabled=False))


def test_the_notes_say_how_a_run_names_the_corpus() -> None:
    notes = render(EVERYTHING)["berth-corpus/templates/NOTES.txt"]
    assert "prepared: s3://bert/wiki\n" in notes
    assert "kubectl -n berth wait --for=condition=complete" in notes


@pytest.mark.parametrize(
    ("change", "field", "complaint"),
    [
        ({"part": 3}, "", "'part' not allowed"),
        ({"parts": 0}, "/parts", "minimum: got 0, want 1"),
        ({"prepare__corpus__prepared": "s3://b/x"}, "/prepare/corpus", "'prepared' not allowed"),
        ({"prepare__corpus__sources": []}, "/prepare/corpus/sources", "minItems: got 0, want 1"),
        ({"prepare__corpus": {}}, "/prepare/corpus", "missing property 'sources'"),
        ({"prepare__vocab": {"sise": 1}}, "/prepare/vocab", "'sise' not allowed"),
        ({"pod__cpu": "many"}, "/pod/cpu", "does not match pattern"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(change: dict[str, Any], field: str, complaint: str) -> None:
    with pytest.raises(HelmValuesError) as caught:
        render(with_values(SMALL, **change))
    assert f"at '{field}'" in str(caught.value)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"storage": {}},
            "prepare.storage: /storage/corpus is on no volume; set storage.claim, or an URI such as s3://",
        ),
        ({"prepare__storage": "gs://me:hunter2@b/x"}, "prepare: credentials in a URI (gs://...), and Helm keeps"),
        ({"prepare__storage": "/corpora/wiki"}, "prepare.storage: /corpora/wiki is not on the volume; choose a path"),
        ({"pod__env": {"AWS_SECRET_ACCESS_KEY": "x"}}, "pod.env.AWS_SECRET_ACCESS_KEY: looks like a secret"),
        ({"pod__env": {"BERTH_PROCESSES": "1"}}, "pod.env.BERTH_PROCESSES: is set by the chart or by Kubernetes"),
        ({"network_policy__extra_egress": [{"ports": [1]}]}, "give each entry cidr or namespace"),
    ],
)
def test_values_that_do_not_go_together_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(HelmRenderError) as caught:
        render(with_values(SMALL, **change))
    assert message in str(caught.value)


def test_a_release_that_cannot_name_a_job_is_refused() -> None:
    with pytest.raises(HelmRenderError, match="choose up to 40 lower-case letters, digits and hyphens"):
        render(SMALL, "n" * 41)
