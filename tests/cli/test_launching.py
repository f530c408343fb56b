"""Commands that need a cluster and get none: one clear line each."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.launch.api import Query, Refusal, Server, choose_kubeconfig, choose_server
from tests.ports import free_port
from trainer.cli import main

VALUES = "worker: {cpu: 1}\nstorage: {secret: s3}\nrun: {storage: s3://bucket/runs}\n"


@pytest.fixture
def commands(tmp_path: Path) -> list[list[str]]:
    values = tmp_path / "values.yaml"
    values.write_text(VALUES)
    submit = ["submit", "quickstart", "--values", str(values), "--workers", "2", "--detach"]
    return [submit, ["scale", "x", "2"], ["stop", "x"], ["stop", "x", "--delete", "--yes"], ["resume", "x"]]


def refused(commands: list[list[str]], said: str, *more: str) -> None:
    for command in commands:
        result = CliRunner().invoke(main, [*command, *more])
        assert result.exit_code == 2, (command, result.output)
        assert said in result.stderr
        assert result.stderr.count("\n") == 1


def test_without_a_kubeconfig_each_command_says_so(
    commands: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose_kubeconfig(tmp_path / "absent", monkeypatch)
    refused(commands, "berth: kubeconfig: names no cluster: ")


def test_a_context_that_kubeconfig_has_not_is_refused_with_those_it_has(
    commands: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose_server(1, tmp_path, monkeypatch)
    refused(commands, "berth: --context: kubeconfig has no context 'other'; choose of played\n", "--context", "other")


def test_a_cluster_without_pytorchjobs_says_what_to_install(commands: list[list[str]], api: Server) -> None:
    refused(commands, "the cluster knows no PyTorchJob; install the training operator, see manifests/cluster\n")
    assert api.asked


def test_a_missing_right_is_named(commands: list[list[str]], api: Server) -> None:
    def refuse(_: Query) -> object:
        raise Refusal(403, 'User "jo" cannot get it')

    for kind in ("pytorchjobs", "persistentvolumeclaims"):
        group = "apis/kubeflow.org" if kind == "pytorchjobs" else "api"
        for name in ("x", "quickstart"):
            api.answers[f"/{group}/v1/namespaces/ns/{kind}/{name}"] = refuse
    refused(commands, 'you may not in namespace ns: User "jo" cannot get it; ask for the right, see `berth doctor`\n')


def test_an_api_server_that_is_not_reached_is_named(
    commands: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose_server(free_port(), tmp_path, monkeypatch)
    refused(commands, "berth: context played: the API server is not reached: ")
