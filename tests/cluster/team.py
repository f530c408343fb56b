"""A member of a team, as manifests/examples/team has it: with the rights that are given there, and no others."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.cluster.kubectl import apply, kubectl

BERTH = Path(sys.executable).with_name("berth")
EXAMPLES = Path(__file__).parents[2] / "manifests" / "examples"


@dataclass(frozen=True)
class Member:
    """Of a team, in its namespace."""

    namespace: str
    kubeconfig: Path

    def environment(self, **others: str) -> dict[str, str]:
        """Of a command; no helm is on PATH, unless another is given."""
        own = {"PATH": "/usr/bin:/bin", "KUBECONFIG": str(self.kubeconfig), "BERTH_NAMESPACE": self.namespace}
        return {**os.environ, **own, **others}

    def berth(self, *arguments: str, code: int = 0, **environment: str) -> str:
        """What a command says."""
        result = subprocess.run(
            [BERTH, *arguments],
            capture_output=True,
            text=True,
            timeout=300,
            env=self.environment(**environment),
            check=False,
        )
        said = f"{result.stdout}{result.stderr}"
        assert result.returncode == code, said
        return said


def join(namespace: str, kubeconfig: Path, folder: Path) -> Member:
    """Make a member of the team of a namespace; `kubeconfig` is that of somebody who may."""
    given = {each["kind"]: each for each in yaml.safe_load_all((EXAMPLES / "team/cluster.yaml").read_text())}
    role, binding = given["Role"], given["RoleBinding"]
    binding["subjects"] = [{"kind": "ServiceAccount", "name": "member", "namespace": namespace}]
    for each in (role, binding):
        each["metadata"]["namespace"] = namespace
    kubectl("create", "serviceaccount", "member", "-n", namespace)
    apply(role, binding, namespace=namespace)
    config = yaml.safe_load(kubeconfig.read_text())
    config["users"][0]["user"] = {"token": kubectl("create", "token", "member", "-n", namespace).strip()}
    file = folder / "member.kubeconfig"
    file.write_text(yaml.safe_dump(config))
    return Member(namespace, file)
