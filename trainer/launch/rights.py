"""What a person may do in a namespace, of what the commands of Berth do there."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple, cast

from kubernetes import client

from trainer.launch.cluster import GROUP, PLURAL, Cluster
from trainer.launch.operator import Found


class Right(NamedTuple):
    """One verb on one resource; `resource` may name a subresource."""

    verb: str
    group: str
    resource: str


def _rights(verbs: str, group: str, *resources: str) -> tuple[Right, ...]:
    return tuple(Right(verb, group, resource) for resource in resources for verb in verbs.split())


NEEDED: dict[str, tuple[Right, ...]] = {
    "submit": (
        *_rights("get create patch", GROUP, PLURAL),
        *_rights("get create patch", "", "configmaps", "secrets", "serviceaccounts", "persistentvolumeclaims"),
        *_rights("get create patch", "networking.k8s.io", "networkpolicies"),
        *_rights("get create patch", "policy", "poddisruptionbudgets"),
    ),
    "scale": _rights("get patch", GROUP, PLURAL, f"{PLURAL}/scale"),
    "status": (*_rights("get list", GROUP, PLURAL), *_rights("list", "", "pods"), *_rights("get", "", "pods/log")),
    "events": _rights("list", "", "events"),
    "stop": _rights("get patch delete", GROUP, PLURAL),
}
"""By the command that needs them."""


def missing(cluster: Cluster) -> Found:
    """Ask the cluster for each right.

    Raises:
        ClusterError: the cluster is not reached or refuses to tell.
    """
    with cluster.asked("your rights"):
        may = {right: _may(cluster, right) for right in {right for rights in NEEDED.values() for right in rights}}
    lacking = {command: _told(right for right in rights if not may[right]) for command, rights in NEEDED.items()}
    if not any(lacking.values()):
        return "ok", f"all that {', '.join(NEEDED)} need in namespace {cluster.namespace}", ""
    told = "; ".join(f"{command} lacks {what}" for command, what in lacking.items() if what)
    return "broken", told, f"ask for the Role of manifests/examples/team in namespace {cluster.namespace}"


def _told(rights: Iterable[Right]) -> str:
    """`get, list pods, events and get pods/log`: verb by verb what has the same ones in common."""
    verbs: dict[str, list[str]] = defaultdict(list)
    for right in rights:
        verbs[right.resource].append(right.verb)
    resources: dict[str, list[str]] = defaultdict(list)
    for resource, its in verbs.items():
        resources[", ".join(its)].append(resource)
    return " and ".join(f"{its} {', '.join(of)}" for its, of in resources.items())


def _may(cluster: Cluster, right: Right) -> bool:
    resource, _, subresource = right.resource.partition("/")
    asked = client.V1ResourceAttributes(
        namespace=cluster.namespace,
        verb=right.verb,
        group=right.group,
        resource=resource,
        subresource=subresource or None,
    )
    review = client.V1SelfSubjectAccessReview(spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=asked))
    api = client.AuthorizationV1Api(cluster.core.api_client)
    answer = cast(client.V1SelfSubjectAccessReview, api.create_self_subject_access_review(review))
    return bool(answer.status and answer.status.allowed)
