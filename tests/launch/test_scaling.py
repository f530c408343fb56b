from typing import Any

import pytest

from tests.launch import objects
from tests.launch.api import Refusal, Server
from trainer.config.load import dump, made
from trainer.config.schema import Run
from trainer.errors import ClusterError
from trainer.launch import scaling
from trainer.launch.cluster import Cluster

JOB = "/apis/kubeflow.org/v1/namespaces/ns/pytorchjobs/my-run"


def run(**workers: object) -> Run:
    pretrain = {"batch_size": 24, "micro_batch_size": 2, "max_steps": 1}
    corpus = {"sources": [{"path": "s3://bucket/text"}]}
    return made({"name": "r", "corpus": corpus, "pretrain": pretrain, "scaling": workers}, "test")


@pytest.mark.parametrize(
    ("each", "pods", "said"),
    [
        (1, 5, r"5 workers, which do not divide pretrain\.batch_size 24; scale it to 4 or 6$"),
        (2, 5, r"10 workers, which do not divide .*; scale it to 4 or 6$"),
        (1, 13, r"and scaling\.num_workers allows 2 to 12; scale it to 12$"),
        (1, 1, r"and scaling\.num_workers allows 2 to 12; scale it to 2$"),
    ],
)
def test_a_size_that_a_run_cannot_train_on_is_refused_with_the_nearest(each: int, pods: int, said: str) -> None:
    with pytest.raises(ClusterError, match=said):
        scaling.refuse(run(num_workers=[2, 12]), each, pods)


def test_a_size_that_divides_every_batch_is_allowed() -> None:
    scaling.refuse(run(num_workers=[2, 12]), 2, 6)


@pytest.mark.parametrize(
    ("cpu", "settings", "workers"),
    [("100m", {}, 1), (4, {}, 4), ("2500m", {}, 3), (4, {"cpus_per_worker": 2}, 2), (8, {"gpus_per_worker": 1}, 3)],
)
def test_a_pod_has_a_worker_for_each_gpu_or_what_its_cpus_serve(
    cpu: object, settings: dict[str, int], workers: int
) -> None:
    resources = {"requests": {"cpu": cpu}, "limits": {"nvidia.com/gpu": 3}}
    assert scaling.processes(run(**settings), {"containers": [{"resources": resources}]}) == workers


@pytest.fixture
def there(api: Server) -> None:
    """A run of pods of one worker each."""
    job = objects.job("my-run", 1, "Created", "Running")
    container = {"resources": {"requests": {"cpu": 1}}}
    job["spec"]["pytorchReplicaSpecs"]["Worker"]["template"] = {"spec": {"containers": [container]}}
    settings = dump(run(num_workers=[1, 12]))
    api.answers |= {
        JOB: lambda _: job,
        "/api/v1/namespaces/ns/pods": lambda _: {"items": []},
        "/api/v1/namespaces/ns/configmaps/my-run": lambda _: {"data": {"run.yaml": settings}},
    }


@pytest.mark.usefixtures("there")
def test_the_scale_of_the_job_is_changed_and_nothing_else(api: Server, cluster: Cluster) -> None:
    told: list[Any] = []
    api.changes[f"{JOB}/scale"] = lambda change: told.append(change) or {}
    assert scaling.scale(cluster, "my-run", 3) == 3
    assert told == [{"spec": {"replicas": 3}}]


@pytest.mark.usefixtures("there")
def test_a_cluster_whose_jobs_have_no_scale_is_told_which_crd_it_needs(api: Server, cluster: Cluster) -> None:
    def missing(_: Any) -> Any:
        raise Refusal(404, "the server could not find the requested resource")

    api.changes[f"{JOB}/scale"] = missing
    with pytest.raises(ClusterError, match=r"run my-run: a PyTorchJob of this cluster cannot be scaled; apply the CRD"):
        scaling.scale(cluster, "my-run", 3)
