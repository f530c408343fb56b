"""Whether a cluster knows PyTorchJobs, and which training operator makes pods of them."""

import re

from kubernetes.client import ApiException

from trainer.launch.cluster import GROUP, PLURAL, VERSION, Cluster
from trainer.launch.finding import Verdict

Found = tuple[Verdict, str, str]
"""Verdict, what was found, what to do."""

_NEWEST = (1, 9, 4)
_INSTALL = "install the training operator, see manifests/cluster"


def served(cluster: Cluster) -> Found:
    """Whether the API has PyTorchJobs.

    Raises:
        ClusterError: the cluster is not reached or refuses.
    """
    with cluster.asked("API groups"):
        try:
            kinds = cluster.read(f"/apis/{GROUP}/{VERSION}")["resources"]
        except ApiException as error:
            if error.status != 404:
                raise
            kinds = []
    if not any(kind["name"] == PLURAL for kind in kinds):
        return "broken", "the cluster knows no PyTorchJob", _INSTALL
    if not any(kind["name"] == f"{PLURAL}/scale" for kind in kinds):
        return (
            "broken",
            "a PyTorchJob cannot be scaled",
            "apply the CRD of training operator 1.9.4, see manifests/cluster",
        )
    return "ok", f"{PLURAL}.{GROUP}/{VERSION}", ""


def installed(cluster: Cluster) -> Found:
    """The operator's Deployment, wherever it is.

    Raises:
        ClusterError: the cluster is not reached or refuses.
    """
    selector = "control-plane=kubeflow-training-operator"
    with cluster.asked("Deployment of the training operator"):
        try:
            found = cluster.read("/apis/apps/v1/deployments", labelSelector=selector)["items"]
        except ApiException as error:
            if error.status != 403:
                raise
            return (
                "unsure",
                "you may not see its Deployment",
                "ask those who run the cluster: it has to be 1.9.4 or later",
            )
    if not found:
        return "unsure", "no Deployment of the training operator is seen", _INSTALL
    deployment = found[0]
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    if not deployment["status"].get("readyReplicas"):
        where = f"-n {deployment['metadata']['namespace']} {deployment['metadata']['name']}"
        return "broken", f"{image} is not ready", f"see `kubectl describe deployment {where}`"
    return judged(image)


def judged(image: str) -> Found:
    """What an operator of this image can do."""
    tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
    number = re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+).*", tag)
    if not number:
        return "unsure", f"{image}: its tag is no version", "be sure that it is 1.9.4 or later"
    if tuple(map(int, number.groups())) < _NEWEST:
        breaks = "upgrade to 1.9.4: earlier ones delete the pods of a job that reaches its backoffLimit, and their logs"
        return "broken", image, breaks
    return "ok", image, ""
