"""list, status, logs, events and doctor against API servers of all kinds: what is printed, and the exit code."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.launch import objects
from tests.launch.api import Refusal, Server, choose_kubeconfig
from trainer.cli import main
from trainer.config.load import dump, load

JOBS = "/apis/kubeflow.org/v1/namespaces/ns/pytorchjobs"
PODS = "/api/v1/namespaces/ns/pods"
EVENTS = "/api/v1/namespaces/ns/events"
COMMANDS = (["list"], ["status", "my-run"], ["logs", "my-run"], ["logs", "my-run", "-f"], ["events", "my-run"])

each_command = pytest.mark.parametrize("command", COMMANDS, ids=" ".join)


def trains(api: Server) -> None:
    """A run with one Worker, that trains."""
    pods = [objects.runs(), objects.runs("worker")]
    api.answers |= {
        JOBS: lambda _: {"items": [objects.job("my-run", 1, "Created", "Running")]},
        f"{JOBS}/my-run": lambda _: objects.job("my-run", 1, "Created", "Running"),
        PODS: lambda _: {"items": pods},
        EVENTS: lambda _: {"items": []},
        f"{PODS}/my-run-worker-0/log": lambda _: iter([b"2026-11-28T07:07:00.1Z berth pod: joins my-run-master-0\n"]),
        f"{PODS}/my-run-master-0/log": lambda _: iter(
            [
                b"2026-11-28T07:07:01.1Z starting workers: 1\n",
                b"2026-11-28T07:07:09.1Z pretrain     79/6,000  loss 6.347  6,043 tokens/s  ETA 13:20\n",
                b"2026-11-28T07:07:19.1Z checkpoint: step 50\n",
            ]
        ),
    }


def berth(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@each_command
def test_without_a_kubeconfig_one_line_says_what_to_set(
    command: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    choose_kubeconfig(tmp_path / "none", monkeypatch)
    result = berth(*command)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("berth: kubeconfig: names no cluster")
    assert result.stderr.count("\n") == 1


@each_command
def test_a_wrong_context_names_the_right_ones(command: list[str], api: Server) -> None:
    result = berth(*command, "--context", "prod")
    assert result.stderr == "berth: --context: kubeconfig has no context 'prod'; choose of played\n"
    assert (result.exit_code, api.asked) == (2, [])


@each_command
def test_a_cluster_without_pytorchjobs_says_what_to_install(command: list[str], api: Server) -> None:
    result = berth(*command)
    assert "the cluster knows no PyTorchJob; install the training operator" in result.stderr
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)


@each_command
def test_a_missing_right_is_named(command: list[str], api: Server) -> None:
    said = 'pytorchjobs.kubeflow.org is forbidden: User "jo" cannot list resource "pytorchjobs"'

    def refuse(_: Any) -> Any:
        raise Refusal(403, said)

    api.answers |= {JOBS: refuse, f"{JOBS}/my-run": refuse}
    result = berth(*command)
    assert f"you may not in namespace ns: {said}; ask for the right, see `berth doctor`" in result.stderr
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)


@each_command
def test_an_api_server_that_is_not_reached_is_said_at_once(command: list[str], api: Server) -> None:
    api.away = True
    result = berth(*command)
    assert result.stderr.startswith("berth: context played: the API server is not reached: ")
    assert (result.exit_code, result.stderr.count("\n"), len(api.asked)) == (2, 1, 1)


def test_a_run_that_is_not_there_is_said(api: Server) -> None:
    trains(api)

    def missing(_: Any) -> Any:
        raise Refusal(404, 'pytorchjobs.kubeflow.org "my-ran" not found')

    api.answers[f"{JOBS}/my-ran"] = missing
    result = berth("status", "my-ran")
    assert result.stderr == "berth: PyTorchJob my-ran: there is none in namespace ns; see `berth list`\n"


def test_a_list_of_200_runs_takes_two_calls(api: Server) -> None:
    api.answers[JOBS] = lambda _: {"items": [objects.job(f"run-{number}", 2, "Created") for number in range(200)]}
    api.answers[PODS] = lambda _: {"items": []}
    result = berth("list")
    assert (len(result.stdout.splitlines()), len(api.asked)) == (201, 2)


def test_a_list_is_plain_where_nobody_looks(api: Server) -> None:
    trains(api)
    head, row = berth("list").stdout.splitlines()
    assert head.split() == ["NAME", "PHASE", "WORKERS", "AGE", "WAITS", "FOR"]
    assert row.split()[:3] == ["my-run", "Running", "1/1"]
    assert head.isprintable()
    assert row.isprintable()


def test_a_status_fits_one_screen_and_takes_three_calls(api: Server) -> None:
    trains(api)
    lines = berth("status", "my-run").stdout.splitlines()
    assert [" ".join(line.split()) for line in lines[:-1]] == [
        "run my-run in ns",
        "phase Running",
        "stage pretrain",
        "step 79 / 6,000",
        "ETA 13m to the end of the stage",
        "loss 6.347",
        "speed 6,043 tokens/s",
        "workers 1 train; 1 of 1 pods run",
        "restarts 0 since the Master's pod was made",
        "checkpoint step 50",
    ]
    assert len(api.asked) == 3


def test_a_status_as_json_has_the_documented_fields(api: Server) -> None:
    trains(api)
    found = json.loads(berth("status", "my-run", "-o", "json").stdout)
    documented = berth("status", "--help").stdout
    for section in (found, found["run"], found["progress"]):
        assert all(field in documented + berth("list", "--help").stdout for field in section)
    assert (found["progress"]["step"], found["progress"]["wandb"], found["run"]["phase"]) == (79, None, "Running")


def test_logs_of_all_pods_are_in_the_order_of_time_and_say_whose_they_are(api: Server) -> None:
    trains(api)
    assert berth("logs", "my-run").stdout.splitlines()[:2] == [
        "[worker-0] berth pod: joins my-run-master-0",
        "[master-0] starting workers: 1",
    ]
    assert berth("logs", "my-run", "worker-0").stdout == "berth pod: joins my-run-master-0\n"


def test_logs_ask_for_what_the_options_say(api: Server) -> None:
    trains(api)
    berth("logs", "my-run", "master-0", "--since", "10m", "--tail", "5")
    assert (api.asked[-1][1]["sinceSeconds"], api.asked[-1][1]["tailLines"]) == ("600", "5")


@pytest.mark.parametrize("since", ["10", "m", "0s", "1w", "-5m"])
def test_a_duration_that_is_none_is_refused(since: str, api: Server) -> None:
    result = berth("logs", "my-run", f"--since={since}")
    assert result.stderr == f"berth: --since: {since!r} is no duration; write it as 90s, 10m, 2h or 1d\n"


def test_a_pod_that_the_run_does_not_have_is_refused(api: Server) -> None:
    trains(api)
    result = berth("logs", "my-run", "worker-7")
    assert result.stderr == "berth: run my-run: it has no pod 'worker-7'; choose of master-0, worker-0\n"


def test_logs_of_a_run_that_has_not_started_say_why(api: Server) -> None:
    trains(api)
    waiting = {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "object-store" not found'}}
    api.answers[PODS] = lambda _: {"items": [objects.pod(state=waiting)]}
    result = berth("logs", "my-run")
    assert "no pod has started: the secret object-store does not exist; create it" in result.stderr


def test_events_name_who_what_and_what_to_do(api: Server) -> None:
    trains(api)
    waiting = {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "object-store" not found'}}
    api.answers[PODS] = lambda _: {"items": [objects.pod(state=waiting)]}
    found = json.loads(berth("events", "my-run", "-o", "json").stdout)
    assert found[0]["about"] == ["master-0"]
    assert found[0]["words"] == "the secret object-store does not exist"
    assert "WHAT TO DO" in berth("events", "my-run").stdout


def test_the_doctor_without_a_cluster_says_so_and_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, api: Server
) -> None:
    choose_kubeconfig(tmp_path / "none", monkeypatch)
    monkeypatch.setenv("WANDB_API_KEY", "0123456789")
    result = berth("doctor", "-o", "json")
    found = {finding["check"]: finding for finding in json.loads(result.stdout)}
    assert result.exit_code == 2
    assert found["cluster"]["verdict"] == "broken"
    assert "KUBECONFIG" in found["cluster"]["remedy"]
    assert found["wandb"]["verdict"] == "ok"
    assert "0123456789" not in result.stdout


def test_the_doctor_tries_the_storage_of_a_run(tmp_path: Path, api: Server) -> None:
    run = tmp_path / "run.yaml"
    run.write_text(dump(load("quickstart", ("storage=/proc/nowhere",))))
    found = {each["check"]: each for each in json.loads(berth("doctor", "--run", str(run), "-o", "json").stdout)}
    assert found["storage"]["verdict"] == "broken"
    assert "/proc/nowhere" in found["storage"]["found"]


def test_each_finding_of_the_doctor_that_is_not_fine_has_a_next_step(api: Server) -> None:
    found = json.loads(berth("doctor", "-o", "json").stdout)
    assert all(finding["remedy"] for finding in found if finding["verdict"] != "ok")
