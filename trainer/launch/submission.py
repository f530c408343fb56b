"""A release is made once: by helm where it is on PATH, so that `helm ls` shows it, else through the API.

Made by the API all objects but a claim that is to be kept belong to the PyTorchJob: who deletes it deletes them.
"""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml
from kubeflow.training import TrainingClient
from kubernetes import utils
from kubernetes.client import ApiException
from kubernetes.utils import FailToCreateError

from trainer.config.load import differing
from trainer.errors import ClusterError, ClusterMissing
from trainer.launch import chart, jobs
from trainer.launch.cluster import GROUP, PLURAL, VERSION, Cluster
from trainer.launch.object import Object
from trainer.launch.release import Release

_VALUES = "berth/values"
"""The annotation that keeps a release's values where helm does not."""
BY_HELM = "meta.helm.sh/release-name"
"""The annotation that helm puts on what it makes."""


def submit(cluster: Cluster, release: Release) -> bool:
    """Make a release unless it is there with the same values; whether it was made now.

    Raises:
        ClusterError: a run of that name is there with other values, or the cluster is not reached or refuses.
    """
    objects = release.objects()  # what the chart refuses never reaches the cluster
    found = _found(cluster, release.name)
    if found is not None:
        _refuse_another(release, _values_of(cluster, found))
        return False
    if shutil.which("helm"):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "values.yaml"
            file.write_text(yaml.safe_dump(release.values))
            helm(cluster, "install", release.name, str(chart.folder()), "--values", str(file))
    else:
        _create(cluster, release, objects)
    return True


def helm(cluster: Cluster, *command: str) -> str:
    """What helm says.

    Raises:
        ClusterError: it fails.
    """
    place = ("--kube-context", cluster.context, "--namespace", cluster.namespace)
    result = subprocess.run(["helm", *command, *place], capture_output=True, text=True, check=False)
    if result.returncode:
        problem = " ".join(result.stderr.split()).removeprefix("Error: ")
        raise ClusterError(f"helm {command[0]} {command[1]}", problem, "mend it and try again")
    return result.stdout


def _found(cluster: Cluster, name: str) -> Object | None:
    try:
        return jobs.one(cluster, name).object
    except ClusterMissing:
        return None


def _values_of(cluster: Cluster, job: Object) -> dict[str, Any]:
    name, notes = job["metadata"]["name"], job["metadata"].get("annotations", {})
    if _VALUES in notes:
        return json.loads(notes[_VALUES])
    if BY_HELM in notes and shutil.which("helm"):
        return json.loads(helm(cluster, "get", "values", name, "--output", "json"))
    problem = f"it exists in namespace {cluster.namespace}, and with what values is not known here"
    raise ClusterError(f"PyTorchJob {name}", problem, "choose another name, or put helm on PATH if it made it")


def _refuse_another(release: Release, there: dict[str, Any]) -> None:
    for field, old, new in differing(there, json.loads(json.dumps(release.values))):
        problem = f"{field} is {_shown(old)} there and {_shown(new)} here"
        resize, make_way = f"`berth scale {release.name} {new}`", f"`berth stop {release.name} --delete`"
        change = f"{resize} resizes it" if field == "workers" else f"choose another name, or {make_way} first"
        raise ClusterError(f"run {release.name}", problem, change)


def _shown(value: Any) -> str:
    return "not set" if value is None else repr(value)


def _create(cluster: Cluster, release: Release, objects: list[Object]) -> None:
    """Job first, for the others need its uid to belong to it; its pods wait for what they mount."""
    job = next(each for each in objects if each["kind"] == "PyTorchJob")
    others = [each for each in objects if each is not job]
    job["metadata"].setdefault("annotations", {})[_VALUES] = json.dumps(release.values, sort_keys=True)
    _create_job(cluster, job)
    uid = jobs.one(cluster, release.name).object["metadata"]["uid"]
    owner = {"apiVersion": job["apiVersion"], "kind": job["kind"], "name": release.name, "uid": uid}
    try:
        for each in others:
            if each["metadata"].get("annotations", {}).get("helm.sh/resource-policy") != "keep":
                each["metadata"]["ownerReferences"] = [owner]
            with cluster.asked(f"{each['kind']} {each['metadata']['name']}"):
                _create_one(cluster, each)
    except ClusterError:
        delete_job(cluster, release.name)  # nothing half made is left
        raise


def _create_job(cluster: Cluster, job: Object) -> None:
    sdk = TrainingClient(client_configuration=cluster.core.api_client.configuration, namespace=cluster.namespace)
    response = SimpleNamespace(data=json.dumps(job))  # what the SDK makes its models of
    model: Any = sdk.api_client.deserialize(response, "KubeflowOrgV1PyTorchJob")
    with cluster.asked(f"PyTorchJob {job['metadata']['name']}"):
        try:
            sdk.create_job(model)
        except RuntimeError as error:
            raise error.__cause__ or error from None  # the SDK's own words leave out why


def _create_one(cluster: Cluster, one: Object) -> None:
    if one["kind"] == "PodMonitor":
        group, _, version = one["apiVersion"].partition("/")
        cluster.custom.create_namespaced_custom_object(group, version, cluster.namespace, "podmonitors", one)
        return
    try:
        utils.create_from_dict(cluster.core.api_client, one, namespace=cluster.namespace)
    except FailToCreateError as error:
        refusal: ApiException = error.api_exceptions[0]
        kept = one["kind"] == "PersistentVolumeClaim" and "ownerReferences" not in one["metadata"]
        if not (kept and refusal.status == 409):  # that of an earlier run of this name, kept to be found again
            raise refusal from error


def delete_job(cluster: Cluster, name: str) -> None:
    """And all that belongs to it.

    Raises:
        ClusterError: there is none, or the cluster is not reached or refuses.
    """
    with cluster.asked(f"PyTorchJob {name}"):
        cluster.custom.delete_namespaced_custom_object(
            GROUP, VERSION, cluster.namespace, PLURAL, name, propagation_policy="Foreground"
        )
