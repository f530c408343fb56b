"""The chart as Helm's own code renders it, without a cluster."""

import copy
import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import helm_python
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "berth"
EXAMPLES = sorted((CHART / "examples").glob("*.yaml"))

SMALL: dict[str, Any] = {
    "storage": {"claim": "texts"},
    "run": {"corpus": {"sources": [{"path": "/storage/text"}]}, "pretrain": {"max_steps": 10}},
}
"""The least that a run needs."""

EVERYTHING: dict[str, Any] = {
    "workers": 2,
    "run": {
        "corpus": {"sources": [{"path": "s3://bert/text"}]},
        "pretrain": {"max_steps": 10},
        "storage": "s3://bert/runs",
        "scaling": {"gpus_per_worker": 1, "cpus_per_worker": 2},
        "tracking": {"wandb": "online"},
    },
    "image": {"digest": f"sha256:{'0' * 64}", "pull_secrets": ["puller"]},
    "worker": {
        "cpu": "7500m",
        "memory": 8589934592,
        "gpus": 4,
        "limits": {"rdma/ib": 1, "ephemeral-storage": "50Gi"},
        "node_selector": {"pool": "gpu"},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"nodeAffinity": {}},
        "runtime_class": "nvidia",
        "topology_spread_constraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {"training.kubeflow.org/replica-type": "worker"}},
                "matchLabelKeys": ["training.kubeflow.org/job-name"],
            }
        ],
    },
    "pod": {
        "env": {"NCCL_DEBUG": "INFO", "TOKENIZERS_PARALLELISM": "false"},
        "labels": {"team": "nlp"},
        "annotations": {"example.com/paid-by": "nlp"},
        "priority_class": "batch",
        "scheduler": "volcano",
    },
    "job": {
        "suspend": True,
        "queue": "gpus",
        "ttl_seconds_after_finished": 1036800,
        "scheduling_policy": {"minAvailable": 2, "queue": "gpus"},
        "progress_annotations": True,
    },
    "storage": {"secret": "object-store", "size": "10Gi", "storage_class": "shared", "keep": True},
    "service_account": {"annotations": {"example.com/role": "reader"}},
    "ray_token": {"secret": "token-of-others", "key": "ray"},
    "wandb": {"secret": "wandb", "base_url": "https://wandb.example.com"},
    "network_policy": {
        "https_cidrs": ["203.0.113.0/24"],
        "extra_egress": [{"cidr": "10.80.0.1/32", "ports": [9000]}, {"namespace": "minio", "ports": [9000]}],
    },
    "disruption_budget": {"hold_master": True},
    "metrics": {
        "pod_monitor": True,
        "labels": {"release": "prometheus"},
        "scraped_by": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}},
        "dashboard": True,
        "dashboard_labels": {"dashboards": "nlp"},
    },
    "global": {"from": "a chart above"},
}
"""Every value at once."""


def with_values(values: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The values, changed at dotted places: `with_values(SMALL, worker__cpu=2)`."""
    changed = copy.deepcopy(values)
    for place, value in changes.items():
        *sections, name = place.split("__")
        section = changed
        for key in sections:
            section = section.setdefault(key, {})
        section[name] = value
    return changed


def render(values: dict[str, Any], name: str = "my-run") -> dict[str, str]:
    """{template: text}, after the check that `helm install` makes.

    Raises:
        HelmValuesError: values.schema.json refuses the values.
        HelmRenderError: a template does.
    """
    with helm_python.Chart.load(CHART) as chart:
        chart.validate_schema(chart.merge_values(values))
        return chart.render(values, name=name, namespace="berth")


def parsed(texts: dict[str, str]) -> dict[tuple[str, str], dict[str, Any]]:
    """What `render` gives -> {(kind, name): object}"""
    manifests = [text for path, text in texts.items() if path.endswith(".yaml")]
    found = [item for text in manifests for item in yaml.load_all(text, yaml.CSafeLoader) if item]
    return {(item["kind"], item["metadata"]["name"]): item for item in found}


def objects(values: dict[str, Any], name: str = "my-run") -> dict[tuple[str, str], dict[str, Any]]:
    """{(kind, name): object}; values are rendered only once, as rendering is most of what a test costs."""
    return copy.deepcopy(_rendered_once(json.dumps(values), name))


@functools.cache
def _rendered_once(values: str, name: str) -> dict[tuple[str, str], dict[str, Any]]:
    return parsed(render(json.loads(values), name))


def job(values: dict[str, Any]) -> dict[str, Any]:
    return objects(values)["PyTorchJob", "my-run"]


def replica(values: dict[str, Any], kind: str) -> dict[str, Any]:
    """The pod template of Master or Worker."""
    return job(values)["spec"]["pytorchReplicaSpecs"][kind]["template"]


def pods(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """{Master, Worker, test: pod}"""
    test = objects(values)["Pod", "my-run-scores"]
    return {"Master": replica(values, "Master"), "Worker": replica(values, "Worker"), "test": test}


def differences(one: Any, other: Any, place: str = "") -> Iterator[str]:
    """The places where two values differ; numbers and their text are the same."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            yield from differences(one.get(key), other.get(key), f"{place}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{place}.{index}")
    elif str(one) != str(other):
        yield place.lstrip(".")
