"""The dashboard for Grafana: as an object of the chart, and as far as its JSON can be judged without Grafana.

Whether a Prometheus understands the expressions is tested in tests/runtime/test_metrics_scraped.py.
"""

import itertools
import json
import re
from typing import Any

from tests.charts.chart import EVERYTHING, SMALL, objects, with_values
from tests.charts.grafana import FILE, dashboard, expressions, metrics
from trainer.tracking.curves import CHARTS

KNOWN = {"step", "steps", "checkpoint_timestamp_seconds"} | {
    name.replace("/", "_")
    for name in (
        *(metric for _, lines, _ in CHARTS for metric, _ in lines),
        "train/loss",
        "train/world_size",
        "train/restarts",
        "train/skipped_steps",
        "train/rollbacks",
    )
}
"""What /metrics tells, without `berth_`."""


def config_map(values: dict[str, Any]) -> dict[str, Any]:
    return objects(values)["ConfigMap", "my-run-dashboard"]


def test_the_dashboard_is_a_config_map_where_it_is_asked_for() -> None:
    assert ("ConfigMap", "my-run-dashboard") not in objects(SMALL)
    assert config_map(with_values(SMALL, metrics__dashboard=True))["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert config_map(EVERYTHING)["metadata"]["labels"]["dashboards"] == "nlp"


def test_the_config_map_holds_the_file_as_it_is() -> None:
    [(name, text)] = config_map(EVERYTHING)["data"].items()
    assert (name, text.strip()) == (FILE.name, FILE.read_text(encoding="utf-8").strip())


def test_releases_that_all_have_it_give_grafana_the_same_file() -> None:
    others = objects(EVERYTHING, "other-run")["ConfigMap", "other-run-dashboard"]
    assert others["data"] == config_map(EVERYTHING)["data"]


def test_every_panel_has_an_id_a_title_and_a_place_of_its_own() -> None:
    panels = dashboard()["panels"]
    ids = [panel["id"] for panel in panels]
    assert sorted(ids) == list(range(1, len(panels) + 1))
    assert all(panel["title"] and panel["description"] for panel in panels)
    for one, other in itertools.combinations([panel["gridPos"] for panel in panels], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)


def test_every_panel_asks_for_metrics_that_a_run_tells() -> None:
    for panel in dashboard()["panels"]:
        references = [target["refId"] for target in panel["targets"]]
        assert references
        assert len(references) == len(set(references))
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert metrics(target["expr"])
    told = {f"berth_{name}" for name in KNOWN}
    assert {name for asked in expressions(namespace="", run="", stage="") for name in metrics(asked)} <= told


def test_the_variables_that_are_used_are_there_and_ask_for_metrics_that_a_run_tells() -> None:
    variables = {variable["name"]: variable for variable in dashboard()["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]\w*)", json.dumps(dashboard())))
    assert used == variables.keys() == {"datasource", "namespace", "run", "stage"}
    for name in ("namespace", "run", "stage"):
        assert metrics(variables[name]["query"]["query"]) == {"berth_step"}


def test_a_run_is_told_by_the_name_of_its_master() -> None:
    [run] = [variable for variable in dashboard()["templating"]["list"] if variable["name"] == "run"]
    found = re.fullmatch(run["regex"].strip("/"), "my-run-master-0")
    assert found is not None
    assert found[1] == "my-run"
