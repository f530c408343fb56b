from pathlib import Path

import pytest
from torchx.runner import get_runner
from torchx.specs import AppDef, AppState, Role

from tests.launch.objects import run, runs
from trainer.config.load import load
from trainer.errors import InputError
from trainer.launch.cluster import Cluster
from trainer.launch.component import bert
from trainer.launch.jobs import Job
from trainer.launch.scheduler import described, state


def test_on_a_laptop_the_component_is_berth_run() -> None:
    app = bert("pretrain.max_steps=5", run="quickstart")
    request = get_runner().dryrun(app, "local_cwd").request
    [[replica]] = request.role_params.values()
    assert replica.args[1:] == ["-m", "trainer", "run", "quickstart", "pretrain.max_steps=5"]


def test_on_a_cluster_it_is_the_release_of_the_same_run(cluster: Cluster, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text("worker: {cpu: 100m}\nrun: {storage: s3://bucket/runs}")
    app = bert("checkpoint.every=7", run="quickstart")
    planned = get_runner().dryrun(app, "berth", {"values": str(values), "workers": 2}).request
    assert (planned.name, planned.namespace) == (load("quickstart").name, cluster.namespace)
    job = next(each for each in planned.objects() if each["kind"] == "PyTorchJob")
    worker = job["spec"]["pytorchReplicaSpecs"]["Worker"]
    assert worker["replicas"] == 2
    assert worker["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "100m"
    assert planned.values["run"]["checkpoint"]["every"] == 7


@pytest.mark.usefixtures("cluster")
def test_another_component_is_refused() -> None:
    app = AppDef("other", roles=[Role("other", image="")])
    with pytest.raises(InputError, match="training runs only"):
        get_runner().dryrun(app, "berth")


@pytest.mark.parametrize(
    ("expected", "seen"),
    [
        (AppState.RUNNING, run(runs())),
        (AppState.CANCELLED, run(conditions=("Created", "Suspended"), suspend=True)),
        (AppState.SUCCEEDED, run(conditions=("Created", "Succeeded"))),
        (AppState.FAILED, run(conditions=("Created", "Failed"))),
    ],
)
def test_a_phase_is_a_state_of_torchx(expected: AppState, seen: Job) -> None:
    assert state(seen) == expected


def test_a_run_that_waits_in_a_queue_is_not_cancelled() -> None:
    seen = run(conditions=("Created", "Suspended"), suspend=True)
    seen.object["metadata"]["labels"] = {"kueue.x-k8s.io/queue-name": "training"}
    assert state(seen) == AppState.PENDING


def test_a_replica_is_a_pod() -> None:
    job = run(runs(), runs("worker", 0), runs("worker", 1))
    statuses = {role.role: [(each.id, each.state) for each in role.replicas] for role in described(job).roles_statuses}
    running = AppState.RUNNING
    assert statuses == {"master": [(0, running)], "worker": [(0, running), (1, running)]}
