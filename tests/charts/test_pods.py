from typing import Any

import pytest

from tests.charts.chart import EVERYTHING, SMALL, pods, replica, with_values
from tests.charts.pod_security import violations


def container(pod: dict[str, Any]) -> dict[str, Any]:
    (only,) = pod["spec"]["containers"]
    return only


def env(pod: dict[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container(pod)["env"]}


@pytest.mark.parametrize("values", [SMALL, EVERYTHING], ids=["small", "everything"])
def test_pod_security_restricted_admits_every_pod(values: dict[str, Any]) -> None:
    assert {name: violations(pod) for name, pod in pods(values).items()} == {"Master": [], "Worker": [], "test": []}


@pytest.mark.parametrize(
    ("place", "value", "rule"),
    [
        ("hostNetwork", True, "hostNetwork"),
        ("hostPID", True, "hostPID"),
        ("hostIPC", True, "hostIPC"),
        ("volumes", [{"name": "x", "hostPath": {"path": "/dev/shm"}}], "volume hostPath"),
        ("securityContext__runAsNonRoot", None, "runAsNonRoot"),
        ("securityContext__runAsUser", 0, "runAsUser"),
        ("securityContext__seccompProfile", None, "seccompProfile"),
        ("securityContext__seLinuxOptions", {"type": "spc_t"}, "seLinuxOptions"),
        ("securityContext__appArmorProfile", {"type": "Unconfined"}, "apparmor"),
        ("securityContext__windowsOptions", {"hostProcess": True}, "hostProcess"),
        ("securityContext__sysctls", [{"name": "kernel.msgmax", "value": "1"}], "sysctl"),
    ],
)
def test_the_standard_is_broken_by_a_pods_setting(place: str, value: Any, rule: str) -> None:
    pod = replica(SMALL, "Worker")
    broken = {**pod, "spec": with_values(pod["spec"], **{place: value})}
    assert violations(broken) == [rule]


@pytest.mark.parametrize(
    ("place", "value", "rule"),
    [
        ("securityContext__privileged", True, "privileged"),
        ("securityContext__allowPrivilegeEscalation", None, "allowPrivilegeEscalation"),
        ("securityContext__runAsNonRoot", False, "runAsNonRoot"),
        ("securityContext__runAsUser", 0, "runAsUser"),
        ("securityContext__seccompProfile", {"type": "Unconfined"}, "seccompProfile"),
        ("securityContext__capabilities__drop", [], "capabilities.drop"),
        ("securityContext__capabilities__add", ["IPC_LOCK"], "capabilities.add"),
        ("securityContext__procMount", "Unmasked", "procMount"),
        ("ports", [{"containerPort": 1, "hostPort": 1}], "hostPort"),
        ("livenessProbe", {"tcpSocket": {"host": "10.0.0.1", "port": 1}}, "host of a probe"),
    ],
)
def test_the_standard_is_broken_by_a_containers_setting(place: str, value: Any, rule: str) -> None:
    pod = replica(SMALL, "Worker")
    pod["spec"]["containers"][0] = with_values(container(pod), **{place: value})
    assert violations(pod) == [rule]


def test_locked_memory_is_an_opt_in_that_leaves_restricted() -> None:
    found = pods(with_values(SMALL, pod__ipc_lock=True))
    assert violations(found["Worker"]) == ["capabilities.add", "runAsNonRoot", "runAsUser"]
    assert violations(found["Master"]) == ["runAsNonRoot", "runAsUser"]  # files of one owner
    assert container(found["Worker"])["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["IPC_LOCK"]}


@pytest.mark.parametrize("kind", ["Master", "Worker"])
def test_a_pod_is_told_what_the_entry_point_reads(kind: str) -> None:
    pod = replica(SMALL, kind)
    assert container(pod)["name"] == "pytorch"
    assert "command" not in container(pod)
    assert container(pod)["args"] == ["pod", "/etc/berth/run.yaml"]
    assert env(pod) == {
        "HOME": "/tmp",
        "BERTH_CACHE": "/tmp/berth",
        "BERTH_IMAGE": "berth:0.1.0",
        "POD_IP": {"fieldRef": {"fieldPath": "status.podIP"}},
        "POD_CPUS": {"resourceFieldRef": {"resource": "requests.cpu", "divisor": "1"}},
        "BERTH_PROCESSES": "$(POD_CPUS)",
        "RAY_TMPDIR": "/tmp/ray",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": "/var/run/secrets/berth/ray-token/token",
    }
    mounts = {mount["name"]: mount["mountPath"] for mount in container(pod)["volumeMounts"]}
    assert mounts == {
        "run": "/etc/berth",
        "tmp": "/tmp",
        "shm": "/dev/shm",
        "ray-token": "/var/run/secrets/berth/ray-token",
        "storage": "/storage",
    }
    assert mounts.keys() == {volume["name"] for volume in pod["spec"]["volumes"]}


def test_the_master_tells_prometheus_what_no_worker_knows() -> None:
    assert container(replica(SMALL, "Master"))["ports"] == [{"name": "metrics", "containerPort": 6386}]
    assert "ports" not in container(replica(SMALL, "Worker"))


def test_keys_come_from_existing_secrets_only_if_named() -> None:
    assert "envFrom" not in container(replica(SMALL, "Worker"))
    pod = replica(EVERYTHING, "Worker")
    assert container(pod)["envFrom"] == [{"secretRef": {"name": "object-store"}}]
    assert env(pod)["WANDB_API_KEY"] == {"secretKeyRef": {"name": "wandb", "key": "api-key"}}
    assert env(pod)["WANDB_BASE_URL"] == "https://wandb.example.com"
    assert env(pod)["NCCL_DEBUG"] == "INFO"


def test_a_server_of_weights_and_biases_needs_no_key_to_be_named() -> None:
    found = env(replica(with_values(SMALL, wandb__base_url="https://wandb.example.com"), "Worker"))
    assert found["WANDB_BASE_URL"] == "https://wandb.example.com"
    assert "WANDB_API_KEY" not in found


def test_pods_have_no_token_of_the_cluster_and_leave_a_lost_node_soon() -> None:
    for pod in pods(SMALL).values():
        assert pod["spec"]["automountServiceAccountToken"] is False
        waits = {entry["key"]: entry["tolerationSeconds"] for entry in pod["spec"]["tolerations"]}
        assert waits == {"node.kubernetes.io/not-ready": 30, "node.kubernetes.io/unreachable": 30}
        assert pod["spec"]["terminationGracePeriodSeconds"] == 60


def test_only_a_master_that_annotates_its_job_has_a_token_of_the_cluster() -> None:
    asked = with_values(SMALL, job__progress_annotations=True)
    master, worker = replica(asked, "Master"), replica(asked, "Worker")
    assert (master["spec"]["automountServiceAccountToken"], worker["spec"]["automountServiceAccountToken"]) == (
        True,
        False,
    )
    assert env(master)["BERTH_ANNOTATED_JOB"] == "my-run"
    assert "BERTH_ANNOTATED_JOB" not in env(worker)
    assert "BERTH_ANNOTATED_JOB" not in env(replica(SMALL, "Master"))


def test_a_pod_writes_to_its_mounts_alone_and_as_nobody() -> None:
    for pod in pods(EVERYTHING).values():
        assert container(pod)["securityContext"]["readOnlyRootFilesystem"] is True
        security = pod["spec"]["securityContext"]
        assert [security[name] for name in ("runAsUser", "runAsGroup", "fsGroup")] == [65532] * 3
        written = [mount["mountPath"] for mount in container(pod)["volumeMounts"] if not mount.get("readOnly")]
        assert set(written) <= {"/tmp", "/dev/shm", "/storage"}


def test_no_probe_waits_for_the_master_which_has_no_name_before_it_is_ready() -> None:
    for pod in pods(EVERYTHING).values():
        assert not [key for key in container(pod) if key.endswith("Probe")]


def test_quantities_arrive_as_they_were_written() -> None:
    resources = container(replica(EVERYTHING, "Worker"))["resources"]
    assert resources == {
        "requests": {"cpu": "7500m", "memory": 8589934592},
        "limits": {"memory": 8589934592, "nvidia.com/gpu": 4, "rdma/ib": 1, "ephemeral-storage": "50Gi"},
    }
    assert "nvidia.com/gpu" not in container(replica(EVERYTHING, "Master"))["resources"]["limits"]


def test_workers_and_master_are_placed_apart() -> None:
    worker, master = replica(EVERYTHING, "Worker")["spec"], replica(EVERYTHING, "Master")["spec"]
    assert worker["nodeSelector"] == {"pool": "gpu"}
    assert worker["runtimeClassName"] == "nvidia"
    assert worker["topologySpreadConstraints"][0]["maxSkew"] == 1
    assert worker["affinity"] == {"nodeAffinity": {}}
    assert [entry["key"] for entry in worker["tolerations"]][-1] == "nvidia.com/gpu"
    for key in ("nodeSelector", "runtimeClassName", "topologySpreadConstraints", "affinity"):
        assert key not in master
    for spec in (worker, master):
        assert spec["priorityClassName"] == "batch"
        assert spec["schedulerName"] == "volcano"
        assert spec["imagePullSecrets"] == [{"name": "puller"}]


def test_an_image_is_named_by_tag_or_pinned_by_digest() -> None:
    assert container(replica(SMALL, "Worker"))["image"] == "berth:0.1.0"
    assert container(replica(with_values(SMALL, image__tag="2"), "Worker"))["image"] == "berth:2"
    assert container(replica(EVERYTHING, "Worker"))["image"] == f"berth@sha256:{'0' * 64}"


def test_helm_test_asks_for_scores_with_the_runs_storage() -> None:
    pod = pods(EVERYTHING)["test"]
    assert container(pod)["args"] == ["scores", "/etc/berth/run.yaml"]
    assert container(pod)["envFrom"] == [{"secretRef": {"name": "object-store"}}]
    mounts = [mount["name"] for mount in container(pod)["volumeMounts"]]
    assert mounts == ["run", "tmp", "storage"]
    assert pod["spec"]["restartPolicy"] == "Never"
