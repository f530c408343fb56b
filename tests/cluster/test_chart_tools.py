"""The charts under the tools that judge charts, and under the strictest of them, the API server itself."""

import json
from pathlib import Path

import pytest
import yaml

from tests.cluster.conftest import Cluster
from tests.cluster.kubectl import kubectl, run

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300, func_only=True)]

ROOT = Path(__file__).parents[2]
CHARTS = [ROOT / "charts" / "berth", ROOT / "charts" / "berth-corpus"]
EXAMPLES = sorted((ROOT / "charts").glob("*/examples/*.yaml"))


def rendered(example: Path) -> str:
    return run("helm", "template", "my-run", str(example.parents[1]), "-f", str(example))


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)
def test_helm_lint_has_nothing_to_say(cluster: Cluster, chart: Path) -> None:
    examples = sorted((chart / "examples").glob("*.yaml"))
    for example in examples:
        assert "0 chart(s) failed" in run("helm", "lint", "--strict", str(chart), "-f", str(example))


@pytest.fixture(scope="module")
def schemas(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """JSON schemas for kubeconform, from this very API server: of its own kinds and of the CRDs it has."""
    folder = tmp_path_factory.mktemp("schemas")
    definitions = json.loads(kubectl("get", "--raw", "/openapi/v2"))["definitions"]
    (folder / "_definitions.json").write_text(json.dumps({"definitions": definitions}))
    for name, definition in definitions.items():
        for kind in definition.get("x-kubernetes-group-version-kind", []):
            group = kind["group"].split(".")[0]
            file = "-".join(part for part in (kind["kind"].lower(), group, kind["version"]) if part)
            (folder / f"{file}.json").write_text(json.dumps({"$ref": f"_definitions.json#/definitions/{name}"}))
    return folder


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.parents[1].name}-{example.stem}")
def test_kubeconform_knows_every_object_and_field(schemas: Path, example: Path) -> None:
    location = f"{schemas}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
    told = run(
        *("kubeconform", "-strict", "-summary", "-output", "json", "-schema-location", location, "-"),
        stdin=rendered(example),
    )
    summary = json.loads(told)["summary"]
    assert summary["invalid"] == summary["errors"] == summary["skipped"] == 0
    assert summary["valid"] >= 4


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.parents[1].name}-{example.stem}")
def test_kube_score_finds_nothing(cluster: Cluster, example: Path) -> None:
    told = run("kube-score", "score", "--output-format", "ci", "-", stdin=rendered(example))
    assert [line for line in told.splitlines() if not line.startswith("[OK]")] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.parents[1].name}-{example.stem}")
def test_the_api_server_would_take_every_object(namespace: str, example: Path) -> None:
    """Schema, Pod Security and the operator's webhook."""
    objects = [each for each in yaml.safe_load_all(rendered(example)) if each]
    for each in objects:
        kubectl("apply", "-n", namespace, "--dry-run=server", "-f", "-", stdin=json.dumps(each))
