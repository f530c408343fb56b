"""The Pod Security Standards' level `restricted`, written down from the standard's list."""

from collections.abc import Iterator
from typing import Any

VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
}  # fmt: skip
SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}  # fmt: skip


def violations(pod: dict[str, Any]) -> list[str]:
    """What `restricted` (the baseline's rules included) finds in a pod or pod template; empty: it is admitted."""
    return sorted(_pod(pod["spec"], pod["metadata"].get("annotations") or {}))


def _pod(spec: dict[str, Any], annotations: dict[str, str]) -> Iterator[str]:
    security = spec.get("securityContext") or {}
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name):
            yield name
    for volume in spec.get("volumes") or []:
        yield from (f"volume {kind}" for kind in volume.keys() - {"name"} - VOLUMES)
    for sysctl in security.get("sysctls") or []:
        if sysctl["name"] not in SYSCTLS:
            yield "sysctl"
    for key, profile in annotations.items():
        if key.startswith("container.apparmor.security.beta.kubernetes.io/") and profile == "unconfined":
            yield "apparmor"
    for kind in ("containers", "initContainers", "ephemeralContainers"):
        for container in spec.get(kind) or []:
            yield from _container(container, security)


def _container(container: dict[str, Any], pod: dict[str, Any]) -> Iterator[str]:
    own = container.get("securityContext") or {}
    both = {**pod, **own}  # the container's word counts before the pod's
    selinux = both.get("seLinuxOptions") or {}
    selinux_types = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
    capabilities = own.get("capabilities") or {}
    confined = ("RuntimeDefault", "Localhost")
    broken = {
        "privileged": own.get("privileged"),
        "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is not False,
        "runAsNonRoot": both.get("runAsNonRoot") is not True,
        "runAsUser": both.get("runAsUser") == 0,
        "seccompProfile": (both.get("seccompProfile") or {}).get("type") not in confined,
        "apparmor": (both.get("appArmorProfile") or {}).get("type", "RuntimeDefault") not in confined,
        "seLinuxOptions": selinux.get("type", "") not in selinux_types or selinux.get("user") or selinux.get("role"),
        "hostProcess": (both.get("windowsOptions") or {}).get("hostProcess"),
        "procMount": own.get("procMount", "Default") != "Default",
        "capabilities.drop": "ALL" not in (capabilities.get("drop") or []),
        "capabilities.add": set(capabilities.get("add") or []) - {"NET_BIND_SERVICE"},
        "hostPort": any(port.get("hostPort") for port in container.get("ports") or []),
        "host of a probe": any("host" in handler for handler in _handlers(container)),
    }
    yield from (rule for rule, found in broken.items() if found)


def _handlers(container: dict[str, Any]) -> Iterator[dict[str, Any]]:
    hooks = container.get("lifecycle") or {}
    probes = [container.get(f"{kind}Probe") for kind in ("liveness", "readiness", "startup")]
    for owner in (*hooks.values(), *probes):
        for kind in ("httpGet", "tcpSocket"):
            if owner and owner.get(kind):
                yield owner[kind]
