from pathlib import Path

import pytest
import yaml

from trainer.errors import ConfigError
from trainer.launch.pods.folder import only
from trainer.launch.pods.rendering import rendered
from trainer.launch.release import planned

SUBMITTED = "worker: {cpu: 1}\nstorage: {claim: disk}\nray_token: {secret: token}\n"


def test_the_job_is_the_one_that_submit_would_create(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(SUBMITTED)
    found = rendered("quickstart", (), [str(file)], 3)
    assert found.objects == planned("quickstart", (), [str(file)], 2, "default").objects()
    assert found.volume == Path("runs").absolute()


def test_without_values_a_folder_is_the_volume_and_each_worker_pod_has_one_worker() -> None:
    found = rendered("quickstart", (), (), 3)
    job = only("PyTorchJob", found.objects)["spec"]["pytorchReplicaSpecs"]
    assert [job["Master"]["replicas"], job["Worker"]["replicas"]] == [1, 2]
    assert job["Worker"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"] == 1
    assert yaml.safe_load(only("ConfigMap", found.objects)["data"]["run.yaml"])["storage"] == "/storage"
    assert found.volume == Path("runs").absolute()


@pytest.mark.parametrize("place", ["/data/runs", "file:///data/runs"])
def test_a_folder_of_the_run_is_the_volume_at_its_own_place(place: str) -> None:
    found = rendered("quickstart", (f"storage={place}",), (), 3)
    worker = only("PyTorchJob", found.objects)["spec"]["pytorchReplicaSpecs"]["Worker"]["template"]["spec"]
    assert found.volume == Path("/data/runs")
    assert {"name": "storage", "mountPath": "/data/runs"} in worker["containers"][0]["volumeMounts"]


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("storage=s3://bucket/runs", r"^storage: 's3://bucket/runs' is not on this machine, .*; copy it here"),
        ("corpus.sources.0.path=hf://datasets/x", r"^corpus\.sources\.0\.path: 'hf://datasets/x' is not on this"),
        ("squad.0.model=bertbaseuncased", r"^model of squad-v1\.1: 'bertbaseuncased' is not on this machine"),
        ("scaling.num_workers=4", r"^workers: 2 pods of 1 workers each make 2, and .* allows 4 to 4; change one"),
    ],
)
def test_what_pods_of_this_machine_cannot_have_is_refused(override: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        rendered("quickstart", (override,), (), 3)


def test_a_run_on_gpus_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("worker: {gpus: 1}")
    with pytest.raises(ConfigError, match=r"^scaling\.gpus_per_worker: 1, and pods of this machine train on its CPUs"):
        rendered("quickstart", ("scaling.gpus_per_worker=1",), [str(file)], 3)


def test_a_run_that_waits_to_be_resumed_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("job: {suspend: true}")
    with pytest.raises(ConfigError, match=r"^job\.suspend: true, and pods of this machine start at once; leave it out"):
        rendered("quickstart", (), [str(file)], 3)
