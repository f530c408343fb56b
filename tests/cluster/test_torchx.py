"""A real run on the real cluster by TorchX's own command line: run, list, status, log, cancel."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.cluster.conftest import Cluster
from tests.cluster.release import Release, Values, merged, now, written

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600, func_only=True)]

TORCHX = Path(sys.executable).with_name("torchx")
COMPONENT = Path(__file__).parents[2] / "trainer" / "launch" / "component.py"
APP = "berth://torchx/by-torchx"


def test_torchx_runs_lists_shows_logs_and_cancels_a_run(
    release: Callable[..., Release], cluster: Cluster, namespace: str, on_s3: Values, tmp_path: Path
) -> None:
    run, values = written(tmp_path, "by-torchx", merged(on_s3, {"run": {"pretrain": {"max_steps": 100_000}}}))
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["contexts"][0]["context"]["namespace"] = namespace
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(config))

    def torchx(*arguments: str) -> str:
        environment = os.environ | {"KUBECONFIG": str(kubeconfig)}
        result = subprocess.run([TORCHX, *arguments], env=environment, capture_output=True, text=True, check=False)
        said = f"{result.stdout}{result.stderr}"
        assert result.returncode == 0, said
        return said

    made = release("by-torchx")
    said = torchx("run", "-s", "berth", "-cfg", f"values={values},workers=1", f"{COMPONENT}:bert", "--run", run)
    assert APP in said
    made.trains(now(), 240)

    (line,) = [line for line in torchx("list", "-s", "berth").splitlines() if APP in line]
    assert "RUNNING" in line
    assert "RUNNING" in torchx("status", APP)
    assert "master/0 pretrain" in torchx("log", f"{APP}/master/0")

    torchx("cancel", APP)
    assert not made.pods()
    assert "CANCELLED" in torchx("status", APP)
