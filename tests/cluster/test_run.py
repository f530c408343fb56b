"""A whole run on real nodes, with the real operator, from `helm install` to scores: on S3 and on a volume."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.cluster.conftest import S3, Cluster
from tests.cluster.kubectl import get, kubectl
from tests.cluster.release import SQUAD, Release, Values, history, merged, values

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900, func_only=True)]

NewRelease = Callable[[str], Release]


def test_a_run_goes_from_install_to_scores_on_object_storage(release: NewRelease, on_s3: Values, s3: S3) -> None:
    run = release("to-scores").install(merged(on_s3, {"workers": 2, "run": {"squad": [SQUAD]}}))
    assert run.ended(600) == "Succeeded"
    assert run.exit_codes() == {"to-scores-master-0": 0, "to-scores-worker-0": 0, "to-scores-worker-1": 0}
    assert "EM " in run.log()

    files, folder = s3.files(), f"{s3.bucket}/runs/to-scores"
    assert files.exists(f"{folder}/squad/model/model.safetensors")
    assert files.glob(f"{folder}/pretrain/wandb/offline-run-*/*.wandb")
    assert files.glob(f"{folder}/squad/wandb/offline-run-*/*.wandb")
    assert [point["train/world_size"] for point in history(files, f"{folder}/pretrain")] == [2] * 200
    assert "squad/exact" in json.loads(files.cat(f"{folder}/squad/result.json"))["metrics"]

    tested = run.helm("test", run.name, "-n", run.namespace, "--logs")
    assert "EM " in tested, tested

    run.uninstall()
    kinds = "pytorchjobs,pods,services,configmaps,secrets,serviceaccounts,networkpolicies,poddisruptionbudgets,pvc"
    assert get("-n", run.namespace, kinds, "-l", f"app.kubernetes.io/instance={run.name}") == []
    assert get("-n", run.namespace, "pods") == []


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
