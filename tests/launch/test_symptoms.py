"""Messages as a cluster wrote them -> words that a person can act on."""

import pytest

from tests.launch.objects import pod, runs
from trainer.launch.symptoms import Sign, explain, why

SAID = (
    (
        "ErrImagePull",
        'failed to pull and unpack image "berth.local/trainer:dev": failed to resolve reference '
        '"berth.local/trainer:dev": failed to do request: Head '
        '"https://berth.local/v2/trainer/manifests/dev": dial tcp: lookup berth.local: Temporary failure in '
        "name resolution",
        "the image berth.local/trainer:dev cannot be pulled: Temporary failure in name resolution",
    ),
    (
        "ImagePullBackOff",
        'Back-off pulling image "x/y:z": ErrImagePull: rpc error: code = NotFound desc = failed to pull and '
        'unpack image "x/y:z": failed to resolve reference "x/y:z": x/y:z: not found',
        "there is no image x/y:z",
    ),
    (
        "ErrImagePull",
        'failed to pull and unpack image "berth.local/trainer:dev": failed to resolve reference '
        '"berth.local/trainer:dev": pull access denied, repository does not exist or may require '
        "authorization",
        "the registry does not let this namespace pull berth.local/trainer:dev",
    ),
    (
        "CreateContainerConfigError",
        'secret "not-there" not found',
        "the secret not-there does not exist",
    ),
    (
        "CreateContainerConfigError",
        "couldn't find key api-key in Secret ns/wandb",
        "Secret wandb has no key api-key",
    ),
    (
        "FailedMount",
        'MountVolume.SetUp failed for volume "run" : configmap "my-run" not found',
        "the configmap my-run does not exist",
    ),
    (
        "FailedMount",
        'MountVolume.SetUp failed for volume "ray-token" : references non-existent secret key: token',
        "a secret that is mounted has no key token",
    ),
    (
        "PyTorchJobRestarting",
        "PyTorchJob my-run is restarting because 1 Master replica(s) failed.",
        "its Master was lost or killed",
    ),
    (
        "Unschedulable",
        "0/2 nodes are available: 2 Insufficient memory. no new claims to deallocate, preemption: 0/2 nodes "
        "are available: 2 No preemption victims found for incoming pod.",
        "none of 2 nodes has enough memory free",
    ),
    (
        "Unschedulable",
        "0/3 nodes are available: 1 node(s) had untolerated taint {x: y}, 2 Insufficient nvidia.com/gpu. no "
        "new claims to deallocate",
        "none of 3 nodes has enough nvidia.com/gpu free",
    ),
    (
        "Unschedulable",
        "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate",
        "none of 2 nodes has the labels that it asks for",
    ),
    (
        "Unschedulable",
        "0/2 nodes are available: 2 node(s) had untolerated taint {gpu: only}. no new claims",
        "all of 2 nodes keep it away by a taint {gpu: only}",
    ),
    (
        "Unschedulable",
        "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found",
        "its volume claim is pending: no volume fits it, and none is made for it",
    ),
    (
        "Unschedulable",
        '0/2 nodes are available: persistentvolumeclaim "runs" not found. not found',
        "the volume claim runs does not exist",
    ),
    (
        "ProvisioningFailed",
        'storageclass.storage.k8s.io "fast" not found',
        "there is no storage class fast",
    ),
    (
        "FailedCreatePod",
        'Error creating: pods "my-run-master-0" is forbidden: exceeded quota: small, requested: pods=1, '
        "used: pods=0, limited: pods=0",
        "the namespace's quota small is used up: requested: pods=1, used: pods=0, limited: pods=0",
    ),
    (
        "FailedCreatePod",
        'Error creating: pods "x" is forbidden: violates PodSecurity "restricted:latest": '
        'allowPrivilegeEscalation != false (container "init-pytorch" must set it)',
        "the operator's init container breaks Pod Security restricted:latest of the namespace",
    ),
    (
        "FailedCreatePod",
        'Error creating: pods "x" is forbidden: violates PodSecurity "baseline:latest": host namespaces '
        "(hostNetwork=true)",
        "Pod Security baseline:latest of the namespace refuses it: host namespaces (hostNetwork=true)",
    ),
    (
        "FailedCreatePod",
        'Error creating: admission webhook "policy.example" denied the request: no root',
        "the webhook policy.example refuses it: no root",
    ),
    (
        "FailedCreatePod",
        'Error creating: Internal error occurred: failed calling webhook "policy.example": connection refused',
        "the webhook policy.example does not answer: connection refused",
    ),
    (
        "OOMKilled",
        "",
        "it took more memory than its limit and was killed",
    ),
    (
        "Evicted",
        'Usage of EmptyDir volume "tmp" exceeds the limit "2Gi". ',
        "it wrote more than 2Gi to its volume tmp and was evicted",
    ),
    (
        "Evicted",
        "The node was low on resource: memory.",
        "its node evicted it: The node was low on resource: memory.",
    ),
    (
        "DeletionByTaintManager",
        "Taint manager: deleting due to NoExecute taint",
        "its node is lost",
    ),
    (
        "Exit 124",
        "",
        "limits.deadline_hours are over, and the run is saved",
    ),
    (
        "Exit 2",
        "s3://not-there/runs: there is no such bucket",
        "a person has to mend something: s3://not-there/runs: there is no such bucket",
    ),
)


@pytest.mark.parametrize(("reason", "message", "words"), SAID)
def test_what_kubernetes_says_is_put_into_words(reason: str, message: str, words: str) -> None:
    meaning = explain(Sign("my-run", "worker-0", reason, message))
    assert meaning is not None
    assert meaning.words == words
    assert meaning.remedy


def test_a_remedy_names_the_values_of_the_pod_that_it_is_for() -> None:
    memory = [explain(Sign("my-run", about, "OOMKilled")) for about in ("master-0", "worker-3")]
    assert [each.remedy.split(",")[0] for each in memory if each] == ["raise master.memory", "raise worker.memory"]


def test_what_is_in_no_entry_is_not_guessed_at() -> None:
    assert explain(Sign("my-run", "master-0", "Scheduled", "Successfully assigned")) is None


def test_a_pod_without_its_secret_names_the_secret() -> None:
    waiting = {"reason": "CreateContainerConfigError", "message": 'secret "object-store" not found'}
    meaning = why(pod(state={"waiting": waiting}))
    assert meaning is not None
    assert meaning.about == "master-0"
    assert "object-store" in meaning.words


def test_a_pod_that_fits_nowhere_says_so_before_its_containers_do() -> None:
    message = "0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate"
    scheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    meaning = why(pod("worker", 1, conditions=[scheduled]))
    assert meaning is not None
    assert meaning.words == "none of 2 nodes has enough cpu free"


def test_a_pod_that_was_killed_for_memory_says_that_and_not_just_its_exit_code() -> None:
    meaning = why(pod("worker", 0, state={"terminated": {"reason": "OOMKilled", "exitCode": 137}}))
    assert meaning is not None
    assert "memory" in meaning.words


def test_a_pod_that_runs_needs_no_explanation() -> None:
    assert why(runs()) is None
