"""The charts under the tools that judge charts, and under the strictest of them, the API server itself."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.conftest import Cluster
from tests.cluster.kubectl import kubectl, run

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300, func_only=True)]

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "charts").glob("*/examples/*.yaml"))


def name(example: Path) -> str:
    return f"{example.parents[1].name}-{example.stem}"


def rendered(example: Path) -> str:
    return run("helm", "template", "my-run", str(example.parents[1]), "-f", str(example))


@pytest.mark.parametrize("example", EXAMPLES, ids=name)
def test_helm_lint_has_nothing_to_say(cluster: Cluster, example: Path) -> None:
    assert "0 chart(s) failed" in run("helm", "lint", "--strict", str(example.parents[1]), "-f", str(example))


@pytest.mark.parametrize("chart", ["berth", "berth-corpus"])
def test_the_readme_is_what_helm_docs_makes_of_the_values(programs: None, tmp_path: Path, chart: str) -> None:
    if not shutil.which("helm-docs"):
        pytest.skip("no helm-docs on PATH, and the tests build none beside a cluster of your own")
    shutil.copytree(ROOT / "charts", tmp_path / "charts", ignore=shutil.ignore_patterns("README.md"))
    run("make", "-f", str(ROOT / "Makefile"), "-C", str(tmp_path), "readmes")
    page = (tmp_path / "charts" / chart / "README.md").read_text(encoding="utf-8")
    assert page == (ROOT / "charts" / chart / "README.md").read_text(encoding="utf-8"), "run `make readmes`"
    # helm-docs silently drops a description whose first line has another ` --`.
    rows = [line for line in page.splitlines() if line.startswith(("| `", "| **`")) and not line.endswith("|  |")]
    assert len(rows) == (ROOT / "charts" / chart / "values.yaml").read_text(encoding="utf-8").count("# -- ")


@pytest.fixture(scope="module")
def schemas(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """JSON schemas for kubeconform, from this very API server: of its own kinds and of the CRDs that it has."""
    folder = tmp_path_factory.mktemp("schemas")
    definitions = strict(json.loads(kubectl("get", "--raw", "/openapi/v2"))["definitions"])
    (folder / "_definitions.json").write_text(json.dumps({"definitions": definitions}))
    for title, definition in definitions.items():
        for kind in definition.get("x-kubernetes-group-version-kind", []):
            parts = (kind["kind"].lower(), kind["group"].split(".")[0], kind["version"])
            file = folder / f"{'-'.join(part for part in parts if part)}.json"
            file.write_text(json.dumps({"$ref": f"_definitions.json#/definitions/{title}"}))
    return folder


def strict(schema: Any) -> Any:
    """OpenAPI as JSON Schema: the types that it only hints at, and no field that it does not name."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "int-or-string" or str(schema.get("description")).startswith("Quantity is"):
        return {"type": ["integer", "number", "string"]}
    closed = "properties" in schema and "type" in schema and "x-kubernetes-preserve-unknown-fields" not in schema
    return {key: strict(value) for key, value in schema.items()} | ({"additionalProperties": False} if closed else {})


def conform(schemas: Path, objects: str) -> Any:
    """What kubeconform makes of some objects: how many are valid, invalid ..."""
    location = f"{schemas}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
    command = ("kubeconform", "-strict", "-summary", "-output", "json", "-schema-location", location, "-")
    told = subprocess.run(command, input=objects, capture_output=True, text=True, timeout=60, check=False)
    return json.loads(told.stdout)


@pytest.mark.parametrize("example", EXAMPLES, ids=name)
def test_kubeconform_knows_every_object_and_field(schemas: Path, example: Path) -> None:
    found = conform(schemas, rendered(example))
    assert found["summary"] == {"valid": found["summary"]["valid"], "invalid": 0, "errors": 0, "skipped": 0}, found
    assert found["summary"]["valid"] >= 4


def test_kubeconform_would_find_a_field_that_the_job_does_not_have(schemas: Path) -> None:
    example = ROOT / "charts" / "berth" / "examples" / "cpu-smoke.yaml"
    objects = rendered(example).replace("cleanPodPolicy:", "cleanPodPolcy:")
    assert conform(schemas, objects)["summary"]["invalid"] == 1


@pytest.mark.parametrize("example", EXAMPLES, ids=name)
def test_kube_score_finds_nothing(cluster: Cluster, example: Path) -> None:
    no_cpu_limit = "--ignore-container-cpu-limit"  # on purpose: throttled cores stall a whole run
    command = ("kube-score", "score", no_cpu_limit, "--output-format", "ci", "-")
    told = run(*command, stdin=rendered(example)).splitlines()
    assert [line for line in told if not line.startswith(("[OK]", "[SKIPPED]"))] == []
    assert len([line for line in told if line.startswith("[OK]")]) >= 10


@pytest.mark.parametrize("example", EXAMPLES, ids=name)
def test_the_api_server_would_take_every_object(namespace: str, example: Path) -> None:
    """Schema, Pod Security and the operator's webhook; the ServiceAccount is really made, for the pods need it."""
    objects = [each for each in yaml.safe_load_all(rendered(example)) if each]
    for each in sorted(objects, key=lambda thing: thing["kind"] != "ServiceAccount"):
        dry = [] if each["kind"] == "ServiceAccount" else ["--dry-run=server"]
        told = kubectl("apply", "-n", namespace, *dry, "-f", "-", stdin=json.dumps(each))
        assert "Warning" not in told
