"""The chart's dashboard for Grafana, read for tests."""

import json
import re
from typing import Any

from tests.charts.chart import CHART

FILE = CHART / "dashboards" / "berth.json"


def dashboard() -> dict[str, Any]:
    return json.loads(FILE.read_text(encoding="utf-8"))


def expressions(**variables: str) -> list[str]:
    """What the panels ask of Prometheus, with Grafana's variables filled in."""
    asked = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    return [re.sub(r"\$(\w+)", lambda found: variables[found[1]], expression) for expression in asked]


def metrics(expression: str) -> set[str]:
    return set(re.findall(r"\bberth_\w+", expression))
