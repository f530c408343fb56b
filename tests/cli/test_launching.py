"""Commands that need a cluster and get none: one clear line each."""

import socket
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from kubernetes.config import kube_config

from trainer.cli import main

VALUES = "worker: {cpu: 1}\nstorage: {secret: s3}\nrun: {storage: s3://bucket/runs}\n"


@pytest.fixture
def commands(tmp_path: Path) -> list[list[str]]:
    values = tmp_path / "values.yaml"
    values.write_text(VALUES)
    submit = ["submit", "quickstart", "--values", str(values), "--workers", "2", "--detach"]
    return [submit, ["scale", "x", "2"], ["stop", "x"], ["stop", "x", "--delete", "--yes"], ["resume", "x"]]


def kubeconfig(folder: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    named = {"clusters": "cluster", "users": "user", "contexts": "context"}
    held = {
        "cluster": {"server": f"http://127.0.0.1:{port}"},
        "user": {"token": "x"},
        "context": {"cluster": "c", "user": "c"},
    }
    content = {kind: [{"name": "c", one: held[one]}] for kind, one in named.items()}
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", "current-context": "c", **content}))
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(file))


def refused(commands: list[list[str]], said: str, *more: str) -> None:
    for command in commands:
        result = CliRunner().invoke(main, [*command, *more])
        assert result.exit_code == 2, (command, result.output)
        assert said in result.stderr
        assert result.stderr.count("\n") == 1


def test_without_a_kubeconfig_each_command_says_so(
    commands: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "absent"))
    refused(commands, "berth: kubeconfig: names no cluster: ")


def test_a_context_that_kubeconfig_has_not_is_refused_with_those_it_has(
    commands: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig(tmp_path, 1, monkeypatch)
    refused(commands, "berth: --context: kubeconfig has no context 'other'; choose of c\n", "--context", "other")


def test_an_api_server_that_is_not_reached_is_named(
    commands: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        kubeconfig(tmp_path, closed.getsockname()[1], monkeypatch)
        refused(commands, "berth: context c: the API server is not reached: ")
