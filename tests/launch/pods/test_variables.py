"""A pod's environment, as a table of what image, chart and operator 1.9.4 give.

tests/cluster/test_local_pods.py compares it with real pods.
"""

import sys
from pathlib import Path

import pytest
import yaml

from trainer.launch.object import Object
from trainer.launch.pods.folder import only
from trainer.launch.pods.rendering import rendered
from trainer.launch.pods.variables import of_pod


def job(tmp_path: Path, values: str = "{}") -> Object:
    file = tmp_path / "values.yaml"
    file.write_text(values)
    return only("PyTorchJob", rendered("quickstart", (), [str(file)], 3).objects)


IMAGE = {
    "PATH": f"{Path(sys.executable).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/tmp",
    "PYTHONDONTWRITEBYTECODE": "1",
}
CHART = {
    "BERTH_CACHE": "/tmp/berth",
    "BERTH_IMAGE": "berth:0.1.0",
    "POD_IP": "10.97.0.4",
    "RAY_TMPDIR": "/tmp/ray",
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN_PATH": "/var/run/secrets/berth/ray-token/token",
}
OPERATOR = {
    "PYTHONUNBUFFERED": "1",
    "MASTER_ADDR": "quickstart-master-0",
    "MASTER_PORT": "23456",
    "WORLD_SIZE": "3",
    "PET_MASTER_ADDR": "quickstart-master-0",
    "PET_MASTER_PORT": "23456",
    "PET_NPROC_PER_NODE": "1",
    "PET_NNODES": "3",
}


@pytest.mark.parametrize(
    ("replica", "index", "own"),
    [
        ("Master", 0, {"RANK": "0", "POD_CPUS": "2", "BERTH_PROCESSES": "2", "HOSTNAME": "quickstart-master-0"}),
        ("Worker", 1, {"RANK": "2", "POD_CPUS": "1", "BERTH_PROCESSES": "1", "HOSTNAME": "quickstart-worker-1"}),
    ],
)
def test_a_pod_has_the_variables_of_image_chart_and_operator(
    tmp_path: Path, replica: str, index: int, own: dict[str, str]
) -> None:
    found = of_pod(job(tmp_path), replica, index, "10.97.0.4")
    assert found == IMAGE | CHART | OPERATOR | own | {"PET_NODE_RANK": own["RANK"]}


def test_a_variable_of_the_values_may_refer_to_one_before_it(tmp_path: Path) -> None:
    env = {"A_CPUS": "has $(POD_CPUS)", "B_ODD": "$(NOWHERE) $$(POD_IP)"}
    found = of_pod(job(tmp_path, yaml.safe_dump({"pod": {"env": env}})), "Worker", 0, "10.97.0.4")
    assert found["A_CPUS"] == "has 1"
    assert found["B_ODD"] == "$(NOWHERE) $(POD_IP)"


def test_cores_are_counted_up_and_a_secret_of_the_cluster_is_left_out(tmp_path: Path) -> None:
    values = "master: {cpu: 100m}\nwandb: {secret: wandb}"
    found = of_pod(job(tmp_path, values), "Master", 0, "10.97.0.4")
    assert found["POD_CPUS"] == "1"
    assert "WANDB_API_KEY" not in found
