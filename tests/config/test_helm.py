import json
from pathlib import Path
from typing import Any

import helm_python
import pytest
import yaml
from pydantic import ValidationError

from trainer.config import helm
from trainer.config.schema import Run

CHART = Path(__file__).parents[2] / "charts" / "berth"
STAGE = {"pretrain": {"max_steps": 10}, "corpus": {"sources": [{"path": "text"}]}}


def defaults() -> dict[str, Any]:
    return yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))


def test_the_charts_schema_is_fresh() -> None:
    assert (CHART / "values.schema.json").read_text(encoding="utf-8") == helm.schema(), "run `make charts`"


def test_the_charts_values_are_fresh() -> None:
    assert (CHART / "values.yaml").read_text(encoding="utf-8") == helm.values(), "run `make charts`"


def test_helm_reads_the_schema_and_the_defaults_fit_it() -> None:
    with helm_python.Chart.load(CHART) as chart:
        assert chart.schema == json.loads(helm.schema())
        chart.validate_schema(chart.merge_values())


def test_the_charts_defaults_are_the_classes_defaults() -> None:
    values = defaults()
    written = helm.Values.model_validate(values | {"run": values["run"] | STAGE})
    assert written == helm.Values.model_validate({"run": STAGE})


def test_every_value_is_written_down_with_a_comment_above() -> None:
    lines = (CHART / "values.yaml").read_text(encoding="utf-8").splitlines()
    keys = [index for index, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")]
    assert [lines[index] for index in keys if not lines[index - 1].lstrip().startswith("#")] == []
    assert defaults().keys() == helm.Values.model_fields.keys() - {"global_"}


def test_the_schema_of_run_is_the_trainers_without_the_name() -> None:
    fields = helm.RunValues.model_json_schema()["properties"]
    assert fields.keys() == Run.model_fields.keys() - {"name"}


def test_no_part_of_the_schema_lets_unknown_keys_in() -> None:
    schema = json.loads(helm.schema())
    assert [name for name, part in schema["$defs"].items() if part.get("additionalProperties") is not False] == []
    assert schema["additionalProperties"] is False


def test_python_checks_the_values_of_a_release_as_it_checks_a_run() -> None:
    wrong = {"run": STAGE | {"model": {"num_attention_heads": 7}}}
    with pytest.raises(ValidationError, match="does not divide hidden_size"):
        helm.Values.model_validate(wrong)
