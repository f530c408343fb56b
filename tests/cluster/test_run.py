"""A whole run on real nodes, with the real operator, from `helm install` to scores on a volume. S3: see test_readme."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.cluster.conftest import Cluster
from tests.cluster.kubectl import get, kubectl
from tests.cluster.release import SQUAD, Release, values

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900, func_only=True)]

NewRelease = Callable[[str], Release]


def test_a_run_goes_from_install_to_scores_on_a_volume(
    release: NewRelease, cluster: Cluster, image: str, tmp_path: Path
) -> None:
    if not cluster.is_lane:
        pytest.skip(
            "needs a volume that all nodes share; the nodes of the tests' own cluster share this machine's disk"
        )
    tmp_path.chmod(0o777)
    run = release("on-a-volume")
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": run.namespace},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteMany"],
            "storageClassName": "shared",
            "hostPath": {"path": str(tmp_path)},
        },
    }
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump(volume))
    try:
        storage = {"size": "1Gi", "storage_class": "shared"}
        run.install(values(image, storage=storage, run={"squad": [SQUAD]}))
        assert run.ended(600) == "Succeeded"
        assert run.exit_codes() == {"on-a-volume-master-0": 0, "on-a-volume-worker-0": 0}
        assert (tmp_path / "on-a-volume" / "squad" / "model" / "model.safetensors").exists()
        assert list(tmp_path.glob("on-a-volume/pretrain/wandb/offline-run-*/*.wandb"))
        run.uninstall()
        assert get("-n", run.namespace, "pvc") == []
    finally:
        kubectl("delete", "pv", run.namespace, "--ignore-not-found", "--wait=false")
