from typing import Any

import pytest
from helm_python import HelmRenderError, HelmValuesError

from tests.charts.chart import EVERYTHING, SMALL, render, with_values


@pytest.mark.parametrize(
    ("change", "field", "complaint"),
    [
        ({"wrokers": 3}, "", "'wrokers' not allowed"),
        ({"run__pretrian": {}}, "/run", "'pretrian' not allowed"),
        ({"run__name": "mine"}, "/run", "'name' not allowed"),
        ({"run__pretrain__max_step": 1}, "/run/pretrain", "'max_step' not allowed"),
        ({"run__pretrain__batch_size": 0}, "/run/pretrain/batch_size", "minimum: got 0, want 1"),
        ({"run__pretrain__batch_size": "many"}, "/run/pretrain/batch_size", "got string, want integer"),
        ({"run__pretrain__optimizer": {"kind": "sgd"}}, "/run/pretrain/optimizer/kind", "'adamw', 'lamb'"),
        ({"run__scaling__num_workers": [1]}, "/run/scaling/num_workers", "minItems: got 1, want 2"),
        ({"run__squad": [{"name": "s", "train": ["t"]}]}, "/run/squad/0", "missing property 'dev'"),
        ({"workers": 0}, "/workers", "minimum: got 0, want 1"),
        ({"workers": "three"}, "/workers", "got string, want integer"),
        ({"worker__cpu": "many"}, "/worker/cpu", "does not match pattern"),
        ({"worker__memory": "8 GiB"}, "/worker/memory", "does not match pattern"),
        ({"worker__resources": {}}, "/worker", "'resources' not allowed"),
        ({"pod__env": {"NCCL_IB_TIMEOUT": 22}}, "/pod/env/NCCL_IB_TIMEOUT", "got number, want string"),
        ({"pod__env": {"not a name": "1"}}, "/pod/env", "'not a name' not allowed"),
        ({"image__digest": "latest"}, "/image/digest", "does not match pattern"),
        ({"ray_token__secret": "My Secret"}, "/ray_token/secret", "does not match pattern"),
        (
            {"network_policy__extra_egress": [{"cidr": "10.0.0.0/8"}]},
            "/network_policy/extra_egress/0",
            "missing property 'ports'",
        ),
        ({"storage__mount_path": "storage"}, "/storage/mount_path", "does not match pattern"),
        ({"storage__access_mode": "RWX"}, "/storage/access_mode", "'ReadWriteMany', 'ReadWriteOnce'"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(change: dict[str, Any], field: str, complaint: str) -> None:
    with pytest.raises(HelmValuesError) as caught:
        render(with_values(SMALL, **change))
    assert f"at '{field}'" in str(caught.value)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"run__pretrain": []}, "run: nothing to do; set run.pretrain, run.squad or both"),
        ({"storage": {}}, "run.storage: /storage is on no volume; set storage.claim or storage.size, or an URI"),
        ({"storage__size": "1Gi"}, "storage.size: a claim of its own, beside storage.claim texts; set one of them"),
        ({"run__storage": "runs"}, "run.storage: runs is not on the volume; choose a path below"),
        ({"run__storage": "/storages"}, "run.storage: /storages is not on the volume"),
        ({"run__storage": "file:///tmp"}, "run.storage: /tmp is not on the volume"),
        ({"run__tracking": {"wandb": "online"}}, "wandb.secret: not set, and run.tracking.wandb is online; name a"),
        ({"run__scaling__gpus_per_worker": 1}, "worker.gpus: 0, and run.scaling.gpus_per_worker is 1; set the GPUs"),
        ({"worker__gpus": 8}, "run.scaling.gpus_per_worker: 0, and 8 GPUs of each pod would idle; set 1"),
        (
            {"worker": {"gpus": 8, "cpu": 4}, "run__scaling": {"gpus_per_worker": 1}},
            "worker.cpu: 4 is too few for 8 workers (GPUs) of run.scaling.cpus_per_worker 1; request 8",
        ),
        (
            {"worker__cpu": "1500m", "run__scaling": {"cpus_per_worker": 4}},
            "worker.cpu: 1500m is too few for a worker of run.scaling.cpus_per_worker 4; request 4 or more",
        ),
        (
            {"workers": 3, "worker__cpu": 2, "run__scaling": {"num_workers": [1, 4]}},
            "workers: 3 pods of 2 workers each make 6, and run.scaling.num_workers allows 1 to 4; change one of them",
        ),
        ({"worker__cpu": 2, "run__scaling": {"num_workers": 4}}, "each make 2, and run.scaling.num_workers allows 4"),
        ({"run__storage": "s3://me:hunter2@bucket/runs"}, "run: credentials in a URI (s3://...), and Helm keeps"),
        ({"pod__env": {"HF_TOKEN": "x"}}, "pod.env.HF_TOKEN: looks like a secret"),
        ({"pod__env": {"AWS_SECRET_ACCESS_KEY": "x"}}, "pod.env.AWS_SECRET_ACCESS_KEY: looks like a secret"),
        ({"pod__env": {"WANDB_API_KEY": "x"}}, "pod.env.WANDB_API_KEY: looks like a secret"),
        ({"pod__env": {"DB_PASSWORD": "x"}}, "pod.env.DB_PASSWORD: looks like a secret"),
        ({"pod__env": {"WORLD_SIZE": "3"}}, "pod.env.WORLD_SIZE: is set by the chart or the training operator"),
        ({"network_policy__extra_egress": [{"ports": [1]}]}, "give each entry cidr or namespace"),
        ({"metrics__pod_monitor": True}, "metrics.scraped_by: not set, so that the NetworkPolicy keeps Prometheus out"),
    ],
)
def test_values_that_do_not_go_together_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(HelmRenderError) as caught:
        render(with_values(SMALL, **change))
    assert message in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["n" * 41, "1st", "my.run", "run-"])
def test_a_release_that_cannot_name_a_run_is_refused(name: str) -> None:
    with pytest.raises(HelmRenderError, match="choose up to 40 lower-case letters, digits and hyphens, a letter first"):
        render(SMALL, name)


@pytest.mark.parametrize(
    ("cpu", "each", "allowed"),
    [(4, 1, 4), ("500m", 1, 1), ("2500m", 1, 3), (2.5, 1, 3), ("0.1", 1, 1), (7, 2, 3), ("4", 4, 1)],
)
def test_cores_are_counted_as_the_pod_is_told_them(cpu: Any, each: int, allowed: int) -> None:
    scaling = {"cpus_per_worker": each, "num_workers": allowed}
    assert render(with_values(SMALL, worker__cpu=cpu, run__scaling=scaling))


def test_the_number_of_workers_may_follow_the_pods() -> None:
    for workers in (1, 50, 256):
        assert render(with_values(SMALL, workers=workers))


def test_words_that_only_resemble_secrets_are_let_through() -> None:
    assert render(with_values(EVERYTHING, pod__env={"TOKENIZERS_PARALLELISM": "false", "NCCL_IB_PKEY": "1"}))
