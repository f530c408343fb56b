"""A real API server with nothing behind it: no operator, no CRD, no nodes. Needs the programs of the lane."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.kubectl import run, until
from tests.ports import free_ports

TOKEN = "of-an-administrator"


@contextmanager
def api_server(folder: Path) -> Iterator[Path]:
    """The kubeconfig of an administrator, as long as the block lasts; logs and data are kept in the folder."""
    clients, peers, port = free_ports(3)
    etcd = f"http://127.0.0.1:{clients}"
    with ExitStack() as stack:
        addresses = [f"--{kind}-client-urls={etcd}" for kind in ("listen", "advertise")]
        addresses.append(f"--listen-peer-urls=http://127.0.0.1:{peers}")
        stack.enter_context(_running(folder, "etcd", f"--data-dir={folder / 'data'}", "--unsafe-no-fsync", *addresses))
        stack.enter_context(_running(folder, "kube-apiserver", *_options(folder, etcd, port)))
        kubeconfig = _kubeconfig(folder, port)
        until(lambda: _ready(kubeconfig), 60, f"an API server; its log is {folder / 'kube-apiserver.log'}")
        yield kubeconfig


def definition() -> dict[str, Any]:
    """Of PyTorchJobs without the scale subresource."""
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
        "subresources": {"status": {}},
    }
    names = {"kind": "PyTorchJob", "plural": "pytorchjobs", "singular": "pytorchjob"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": "pytorchjobs.kubeflow.org",
        },
        "spec": {"group": "kubeflow.org", "scope": "Namespaced", "names": names, "versions": [version]},
    }


def _options(folder: Path, etcd: str, port: int) -> list[str]:
    key, public, tokens = folder / "sa.key", folder / "sa.pub", folder / "tokens.csv"
    run("openssl", "genrsa", "-out", str(key), "2048")
    run("openssl", "rsa", "-in", str(key), "-pubout", "-out", str(public))
    tokens.write_text(f"{TOKEN},administrator,1,system:masters\n")
    return [
        f"--etcd-servers={etcd}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={folder}",
        f"--token-auth-file={tokens}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={public}",
        f"--service-account-signing-key-file={key}",
    ]


def _kubeconfig(folder: Path, port: int) -> Path:
    server = {"server": f"https://127.0.0.1:{port}", "certificate-authority": str(folder / "apiserver.crt")}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "bare", "cluster": server}],
        "users": [{"name": "administrator", "user": {"token": TOKEN}}],
        "contexts": [{"name": "bare", "context": {"cluster": "bare", "user": "administrator"}}],
        "current-context": "bare",
    }
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    return file


def _ready(kubeconfig: Path) -> bool:
    asked = ["kubectl", "--kubeconfig", str(kubeconfig), "get", "namespace", "default"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


@contextmanager
def _running(folder: Path, program: str, *options: str) -> Iterator[None]:
    with (folder / f"{program}.log").open("w") as log, subprocess.Popen([program, *options], stderr=log) as process:
        try:
            yield
        finally:
            process.kill()  # there is nothing to be kept
