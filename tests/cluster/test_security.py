"""Who is not of the run stays out: by the Ray token on real pods, by the NetworkPolicy as cyclonus evaluates it.

Packets cannot be tried here: the lane's network plugin does not enforce policies, so the strangers below reach Ray and
only the token is in their way.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.kubectl import apply, get, kubectl, run, until
from tests.cluster.release import SMALL, Release, Values, merged, now

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600, func_only=True)]

NAME = "guarded"
RAY_PORTS = (6379, 6380, 6381, 6383, 6384, 6385, 6386, 10002, 10201, 23456, 40000)


@pytest.fixture(scope="module")
def guarded(new_release: Callable[[str, str], Release], namespace: str, on_s3: Values) -> Iterator[Release]:
    run = new_release(NAME, namespace).install(merged(on_s3, {"run": {"pretrain": {"max_steps": 1_000_000}}}))
    run.trains(now(), 300)
    yield run
    run.uninstall()


def stranger(name: str, image: str, command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """A pod of somebody else in the same namespace."""
    container = {
        "name": "stranger",
        "image": image,
        "command": command,
        "env": [{"name": key, "value": value} for key, value in ({"HOME": "/tmp"} | environment).items()],
        "resources": {"requests": SMALL},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    spec = {"restartPolicy": "Never", "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def ended(pod: str, namespace: str) -> tuple[int, str]:
    """The exit code of a stranger's pod and its log."""

    def terminated() -> Any:
        statuses = get("-n", namespace, "pod", pod)["status"].get("containerStatuses", [])
        return next((status["state"]["terminated"] for status in statuses if "terminated" in status["state"]), None)

    code = until(terminated, 240, f"{pod} ended", namespace)["exitCode"]
    return code, kubectl("logs", "-n", namespace, pod)


@pytest.mark.parametrize(
    ("name", "environment"),
    [
        ("wrong-token", {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "a-guess"}),
        ("no-token", {"RAY_AUTH_MODE": "disabled"}),
    ],
)
def test_ray_refuses_who_does_not_know_the_token(
    guarded: Release, image: str, name: str, environment: dict[str, str]
) -> None:
    code = f"import ray; ray.init(address='{NAME}-master-0:6379'); print('inside', ray.nodes())"
    apply(stranger(name, image, ["python3", "-c", code], environment), namespace=guarded.namespace)
    exit_code, log = ended(name, guarded.namespace)
    assert exit_code != 0
    assert "inside" not in log
    assert "Auth" in log or "token" in log, log


def test_a_worker_with_another_token_is_refused_and_says_so(guarded: Release, image: str) -> None:
    environment = {
        "RANK": "9",
        "MASTER_ADDR": f"{NAME}-master-0",
        "MASTER_PORT": "23456",
        "POD_IP": "127.0.0.1",
        "RAY_AUTH_TOKEN_PATH": "/tmp/token",
    }
    command = ["sh", "-c", "echo a-guess > /tmp/token; exec berth pod quickstart"]
    apply(stranger("impostor", image, command, environment), namespace=guarded.namespace)
    exit_code, log = ended("impostor", guarded.namespace)
    assert exit_code == 2
    assert "berth: RAY_AUTH_TOKEN_PATH: the Master's pod has another token; use one Secret" in log


def test_the_network_policy_lets_in_the_run_s_own_pods_only(guarded: Release, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(kubectl("get", "-n", guarded.namespace, "networkpolicy", NAME, "-o", "yaml"))
    own = {name: pod["metadata"]["labels"] for name, pod in guarded.pods().items()}
    others = {
        "neighbour": {"app.kubernetes.io/name": "berth", "app.kubernetes.io/instance": "other"},
        "nobody": {},
    }
    pods = own | others
    traffic = [
        {
            "Source": peer(pods[source], guarded.namespace, 1),
            "Destination": peer(pods[target], guarded.namespace, 2),
            "ResolvedPort": port,
            "Protocol": "TCP",
        }
        for source, target, port in itertools.product(pods, own, RAY_PORTS)
    ]
    (tmp_path / "traffic.json").write_text(json.dumps(traffic))
    told = run(
        *("cyclonus", "analyze", "--mode", "query-traffic", "--policy-path", str(tmp_path / "policy.yaml")),
        *("--traffic-path", str(tmp_path / "traffic.json")),
    )
    verdicts = ["TRUE" in line for line in told.splitlines() if "IS ALLOWED?" in line]
    expected = [source in own for source, _, _ in itertools.product(pods, own, RAY_PORTS)]
    assert verdicts == expected
    assert expected.count(True) == 4 * len(RAY_PORTS)


def peer(labels: dict[str, str], namespace: str, address: int) -> dict[str, Any]:
    inside = {"PodLabels": labels, "NamespaceLabels": {}, "Namespace": namespace}
    return {"Internal": inside, "IP": f"10.0.0.{address}"}
