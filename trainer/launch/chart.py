"""A run, and what Kubernetes has to know beside it -> values of charts/berth -> its objects, by Helm's own code.

The chart is the only spelling of a PyTorchJob: whatever Python starts on a cluster, or plays on a laptop, was rendered
here.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import helm_python
import yaml
from helm_python import HelmError

from trainer.errors import ConfigError
from trainer.launch.object import Object

Values = Mapping[str, Any]

_CHECK = re.compile(r"execution error at \(.*?\): (.+?): (.+); (.+)")
"""What _checks.tpl refuses: where, what is wrong there, what to do."""


def folder() -> Path:
    """Where the chart lies: BERTH_CHART, else charts/berth of the checkout that this package is in.

    Raises:
        ConfigError: there is none.
    """
    found = Path(os.environ.get("BERTH_CHART") or Path(__file__).parents[2] / "charts" / "berth")
    if not (found / "Chart.yaml").is_file():
        raise ConfigError("BERTH_CHART", f"there is no chart at {found}", "set it to charts/berth of a clone of Berth")
    return found


def render(values: Values, name: str, namespace: str) -> list[Object]:
    """The objects of a release; hooks such as that of `helm test` are none.

    Raises:
        ConfigError: values.schema.json or a template refuses a value.
    """
    try:
        with helm_python.Chart.load(folder()) as chart:
            chart.validate_schema(chart.merge_values(dict(values)))
            texts = chart.render(dict(values), name=name, namespace=namespace)
    except HelmError as error:
        raise _refusal(error) from error
    manifests = [text for path, text in sorted(texts.items()) if path.endswith(".yaml")]
    objects = [item for text in manifests for item in yaml.safe_load_all(text) if item]
    return [item for item in objects if "helm.sh/hook" not in item["metadata"].get("annotations", {})]


def _refusal(error: HelmError) -> ConfigError:
    said = " ".join(line.strip(" -") for line in str(error).splitlines() if line.strip())
    if found := _CHECK.search(said):
        return ConfigError(*found.groups())
    return ConfigError("values", said, "see the comments in charts/berth/values.yaml")
