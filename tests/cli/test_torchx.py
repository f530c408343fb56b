"""TorchX's own command line upon the scheduler `berth`: what goes wrong is one line, and no traceback."""

from pathlib import Path

import pytest
from torchx.cli.main import get_sub_cmds, run_main

from tests.launch import objects
from tests.launch.api import Refusal, Server, choose_kubeconfig
from trainer.cli import torchx

JOB = "/apis/kubeflow.org/v1/namespaces/ns/pytorchjobs/my-run"
PODS = "/api/v1/namespaces/ns/pods"
APP = "berth://torchx/my-run"
OURS = {
    "run": torchx.run,
    "status": torchx.status,
    "describe": torchx.describe,
    "log": torchx.log,
    "list": torchx.list_,
    "cancel": torchx.cancel,
}
COMMANDS = (["status", APP], ["describe", APP], ["log", f"{APP}/master/0"], ["list", "-s", "berth"], ["cancel", APP])

each_command = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])


def refused(command: list[str], capfd: pytest.CaptureFixture[str]) -> str:
    """The one line that a command says."""
    with pytest.raises(SystemExit) as ended:
        run_main({name: make() for name, make in OURS.items()}, command)
    said = capfd.readouterr().err
    assert ended.value.code == 2
    assert said.count("\n") == 1, said
    return said


def test_torchx_takes_our_commands_for_its_own() -> None:
    found = get_sub_cmds()
    assert {name: type(found[name]) for name in OURS} == {name: type(make()) for name, make in OURS.items()}


@each_command
def test_without_a_kubeconfig_a_command_says_so(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    choose_kubeconfig(tmp_path / "none", monkeypatch)
    assert "berth: kubeconfig: names no cluster" in refused(command, capfd)


@each_command
def test_an_api_server_that_is_away_is_said(command: list[str], api: Server, capfd: pytest.CaptureFixture[str]) -> None:
    api.away = True
    assert "berth: context played: the API server is not reached" in refused(command, capfd)


def test_a_log_that_may_not_be_read_is_said_once(api: Server, capfd: pytest.CaptureFixture[str]) -> None:
    api.answers[JOB] = lambda _: objects.job("my-run", 1, "Created", "Running")
    api.answers[PODS] = lambda _: {"items": [objects.runs(), objects.runs("worker")]}

    def refuse(_: object) -> object:
        raise Refusal(403, "pods/log is forbidden")

    api.answers[f"{PODS}/my-run-master-0/log"] = refuse
    said = refused(["log", f"{APP}/master/0"], capfd)
    assert "you may not in namespace ns: pods/log is forbidden" in said


def test_a_setting_that_is_refused_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    component = Path(__file__).parents[2] / "trainer" / "launch" / "component.py"
    said = refused(["run", "-s", "local_cwd", f"{component}:bert", "--run", "quickstart", "pretrain.max_step=5"], capfd)
    assert "did you mean max_steps" in said
