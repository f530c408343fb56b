"""Our metrics as a real Prometheus reads them, and the expressions of Grafana's dashboard as it understands them.

`make prometheus` fetches Debian's; without one these tests skip.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.charts.grafana import dashboard, expressions
from tests.ports import free_port
from trainer.runtime.metrics import Metrics

FETCHED = Path.home() / ".cache" / "berth-prometheus"
PROGRAM = shutil.which("prometheus", path=os.pathsep.join([os.environ["PATH"], str(FETCHED)]))

LABELS = {"namespace": "berth", "pod": "my-run-master-0"}
"""What a PodMonitor adds."""

POINT = {
    "train/loss": 6.5,
    "train/world_size": 2,
    "train/restarts": 1,
    "train/skipped_steps": 3,
    "train/rollbacks": 0,
    "train/tokens_per_second": 5200,
    "checkpoint/step": 10,
}
HELD_OUT = {"eval/mlm_loss": 6.0, "eval/exact": 70.0, "eval/f1": 80.0}

CONFIGURATION = """\
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: berth
    static_configs:
      - targets: ["127.0.0.1:{port}"]
        labels: {labels}
"""


@dataclass(frozen=True, slots=True)
class Prometheus:
    """One that runs, by its HTTP API."""

    url: str

    def ask(self, expression: str) -> list[dict[str, Any]]:
        """What an expression is worth now: the series with their labels."""
        with urlopen(f"{self.url}/api/v1/query?{urlencode({'query': expression})}", timeout=10) as answer:
            told = json.load(answer)
        assert told["status"] == "success"
        return told["data"]["result"]

    def values(self, expression: str) -> dict[str, float]:
        """By stage."""
        return {series["metric"]["stage"]: float(series["value"][1]) for series in self.ask(expression)}

    def wait_for(self, expression: str, seconds: float = 60) -> None:
        """Until an expression has a series."""
        end = time.monotonic() + seconds
        while True:
            try:
                if self.ask(expression):
                    return
            except HTTPError as refusal:
                refusal.close()
                if refusal.code != 503:  # while it starts
                    raise
            except URLError:  # it is not up yet
                pass
            assert time.monotonic() < end, f"nothing is known of {expression} after {seconds} s"
            time.sleep(0.2)


@pytest.fixture(scope="module")
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture(scope="module")
def prometheus(metrics: Metrics, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """It scrapes `metrics` each second."""
    if PROGRAM is None:
        pytest.skip("needs Prometheus; `make prometheus` fetches Debian's")
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "prometheus.yml").write_text(CONFIGURATION.format(port=metrics.listen(0), labels=json.dumps(LABELS)))
    address = f"127.0.0.1:{free_port()}"
    command = [PROGRAM, "--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address={address}"]
    with (folder / "log").open("w") as log, subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as process:
        try:
            yield Prometheus(f"http://{address}")
        finally:
            process.terminate()


def test_the_newest_point_of_each_stage_is_scraped(metrics: Metrics, prometheus: Prometheus) -> None:
    metrics.training("pretrain", 20, 500, {"step": 20, **POINT, **HELD_OUT})
    metrics.training("squad", 1, 30, {"step": 1, "train/loss": 4.0})
    prometheus.wait_for('berth_train_loss{stage="squad"}')
    both = '{stage=~"pretrain|squad"}'
    assert prometheus.values(f"berth_train_loss{both}") == {"pretrain": 6.5, "squad": 4.0}
    assert prometheus.values(f"berth_step{both}") == {"pretrain": 20, "squad": 1}
    assert prometheus.values(f"berth_steps{both}") == {"pretrain": 500, "squad": 30}
    [series] = prometheus.ask('berth_eval_f1{stage="pretrain"}')
    assert LABELS.items() <= series["metric"].items()


def test_a_training_that_moves_is_told_from_one_that_stands_still(metrics: Metrics, prometheus: Prometheus) -> None:
    metrics.training("moving", 1, 100, {"step": 1, **POINT})
    metrics.training("standing", 1, 100, {"step": 1, **POINT})
    prometheus.wait_for('berth_step{stage="moving"}')
    metrics.training("moving", 9, 100, {"step": 9, **POINT})
    prometheus.wait_for('deriv(berth_step{stage="moving"}[1m]) > 0')
    assert prometheus.values("deriv(berth_step[1m])")["standing"] == 0


def test_a_checkpoint_gets_older(metrics: Metrics, prometheus: Prometheus) -> None:
    metrics.training("saved", 1, 100, {"step": 1, **POINT})
    prometheus.wait_for('time() - berth_checkpoint_timestamp_seconds{stage="saved"} > 1')
    assert prometheus.values("time() - berth_checkpoint_timestamp_seconds")["saved"] < 60


def test_every_panel_of_the_dashboard_shows_something(metrics: Metrics, prometheus: Prometheus) -> None:
    metrics.training("shown", 20, 500, {"step": 20, **POINT, **HELD_OUT})
    for asked in expressions(namespace="berth", run="my-run", stage="shown"):
        prometheus.wait_for(asked)
        assert prometheus.values(asked).keys() == {"shown"}
    for asked in expressions(namespace="berth", run="other", stage="shown"):
        assert prometheus.ask(asked) == []


def test_the_variables_of_the_dashboard_find_the_run(metrics: Metrics, prometheus: Prometheus) -> None:
    metrics.training("found", 20, 500, {"step": 20, **POINT})
    prometheus.wait_for('berth_step{stage="found"}')
    for variable in dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            series, _, label = (
                variable["query"]["query"].removeprefix("label_values(").removesuffix(")").rpartition(", ")
            )
            filled = series.replace("$namespace", "berth").replace("$run", "my-run")
            assert {found["metric"][label] for found in prometheus.ask(filled)} >= {LABELS.get(label, "found")}
