"""A real run on the real cluster by TorchX's own command line, as README types it; only run and values are others."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.cluster.conftest import Cluster
from tests.cluster.release import Release, Values, merged, now, written
from tests.markdown import readme

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600, func_only=True)]

ROOT = Path(__file__).parents[2]
NAME = "quickstart"
APP = f"berth://torchx/{NAME}"


def test_torchx_runs_lists_shows_logs_and_cancels_a_run(
    release: Callable[..., Release], cluster: Cluster, namespace: str, on_s3: Values, tmp_path: Path
) -> None:
    run, values = written(tmp_path, NAME, merged(on_s3, {"run": {"pretrain": {"max_steps": 100_000}}}))
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["contexts"][0]["context"]["namespace"] = namespace
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(config))

    def typed(command: str) -> str:
        torchx, *arguments = shlex.split(command.replace("cluster.yaml", values), comments=True)
        given = [run if word == NAME else word for word in arguments]
        program = Path(sys.executable).with_name(torchx)
        environment = os.environ | {"KUBECONFIG": str(kubeconfig)}
        result = subprocess.run(
            [program, *given], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        said = f"{result.stdout}{result.stderr}"
        assert result.returncode == 0, said
        return said

    _, submit, looks, cancel = readme("torchx run").splitlines()
    listed, status, log = looks.split(";")
    made = release(NAME)
    assert APP in typed(submit)
    made.trains(now(), 240)

    (line,) = [line for line in typed(listed).splitlines() if APP in line]
    assert "RUNNING" in line
    assert "RUNNING" in typed(status)
    assert "master/0 pretrain" in typed(log)

    typed(cancel)
    assert not made.pods()
    assert "CANCELLED" in typed(status)
