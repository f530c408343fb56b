from typing import Any

import pytest
import yaml

from manifests.render import RENDERED, rendered
from tests.charts.chart import CHART, EXAMPLES, ROOT, objects
from tests.charts.pod_security import violations
from trainer.config.helm import Values
from trainer.config.load import load
from trainer.config.schema import Run

RECIPES = {
    "cpu-smoke": "quickstart",
    "one-node-8-gpus": "bert-base-uncased",
    "four-nodes-8-gpus": "bert-base-two-phase",
}


def values_of(example: str) -> dict[str, Any]:
    return yaml.safe_load((CHART / "examples" / f"{example}.yaml").read_text())


def without_places(run: Run) -> dict[str, Any]:
    """What shapes the result, wherever the files lie."""
    settings = run.model_dump(mode="json", include={"world", "model", "pretrain", "squad"})
    for stage in settings["squad"]:
        del stage["train"], stage["dev"]
    return settings


def test_every_example_is_a_recipe() -> None:
    assert {path.stem for path in EXAMPLES} == RECIPES.keys()


@pytest.mark.parametrize(("example", "recipe"), RECIPES.items())
def test_an_example_trains_as_its_recipe(example: str, recipe: str) -> None:
    assert without_places(Values.model_validate(values_of(example)).run) == without_places(load(recipe))


def test_the_manifests_are_the_rendered_chart() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in RENDERED.iterdir()}
    assert written == rendered(), "run `make charts`"


@pytest.mark.parametrize("example", RECIPES)
def test_the_manifests_hold_no_secret_and_no_test(example: str) -> None:
    kinds = [item["kind"] for item in yaml.safe_load_all((RENDERED / f"{example}.yaml").read_text())]
    assert "PyTorchJob" in kinds
    assert {"Secret", "Pod"}.isdisjoint(kinds)


def test_the_operators_init_container_passes_restricted() -> None:
    text = (ROOT / "manifests/cluster/restricted-workers/initContainer.yaml").read_text()
    for name, value in {"InitContainerImage": "small:1", "MaxTries": "100", "MasterAddr": "run-master-0"}.items():
        text = text.replace(f"{{{{.{name}}}}}", value)
    assert "{{" not in text
    worker = objects(values_of("cpu-smoke"))["PyTorchJob", "my-run"]["spec"]["pytorchReplicaSpecs"]["Worker"]
    pod = worker["template"]
    pod["spec"]["initContainers"] = yaml.safe_load(text)
    assert violations(pod) == []
    assert "getent hosts run-master-0" in pod["spec"]["initContainers"][0]["command"][-1]


def test_the_clusters_namespace_enforces_restricted() -> None:
    namespace = yaml.safe_load((ROOT / "manifests/cluster/namespace.yaml").read_text())
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
