"""Whether NetworkPolicies let a connection through: the API's rules, for what our policies use of them."""

import ipaddress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Host:
    """A pod, or something outside the cluster, which has neither namespace nor labels."""

    ip: str
    namespace: str | None = None
    labels: dict[str, str] = field(default_factory=dict)


def allows(policies: list[dict[str, Any]], source: Host, target: Host, port: int, protocol: str = "TCP") -> bool:
    """Both ends must agree; an end that no policy selects agrees to everything."""
    leaves = _agrees(policies, source, target, port, protocol, "Egress", "to")
    return leaves and _agrees(policies, target, source, port, protocol, "Ingress", "from")


def _agrees(
    policies: list[dict[str, Any]], own: Host, other: Host, port: int, protocol: str, direction: str, peers: str
) -> bool:
    applying = [
        policy
        for policy in policies
        if own.namespace == policy["metadata"].get("namespace", "berth")
        and _selects(policy["spec"]["podSelector"], own.labels)
        and direction in policy["spec"]["policyTypes"]
    ]
    rules = [rule for policy in applying for rule in policy["spec"].get(direction.lower()) or []]
    return not applying or any(
        _covers(rule.get("ports"), port, protocol)
        and (not rule.get(peers) or any(_is(peer, other, own.namespace) for peer in rule[peers]))
        for rule in rules
    )


def _covers(ports: list[dict[str, Any]] | None, port: int, protocol: str) -> bool:
    return not ports or any(
        entry.get("protocol", "TCP") == protocol and entry["port"] <= port <= entry.get("endPort", entry["port"])
        for entry in ports
    )


def _is(peer: dict[str, Any], host: Host, namespace: str | None) -> bool:
    if block := peer.get("ipBlock"):
        address = ipaddress.ip_address(host.ip)
        inside = address in ipaddress.ip_network(block["cidr"])
        return inside and not any(address in ipaddress.ip_network(cidr) for cidr in block.get("except", []))
    if host.namespace is None:
        return False
    if "namespaceSelector" in peer:
        here = _selects(peer["namespaceSelector"], {"kubernetes.io/metadata.name": host.namespace})
    else:
        here = host.namespace == namespace
    return here and _selects(peer.get("podSelector", {}), host.labels)


def _selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    assert selector.keys() <= {"matchLabels"}, "matchExpressions: not evaluated here"
    return selector.get("matchLabels", {}).items() <= labels.items()
