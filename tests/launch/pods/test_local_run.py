"""A real run on pods of this machine: one is killed, the job is scaled, stopped, and goes on to its end."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.berth import Berth

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

STEPS = 300
SETTINGS = (
    "name=pods-test",
    "world.towns=60",
    "world.dev_towns=8",
    "squad=[]",
    "vocab.size=600",
    f"pretrain.max_steps={STEPS}",
    "pretrain.batch_size=8",
    "pretrain.micro_batch_size=4",
    "pretrain.eval_every=10000",
    "pretrain.log_every=5",
    "scaling.num_workers=[1, 2]",
    "scaling.settle_seconds=1",
)


@pytest.fixture
def berth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Berth]]:
    """Starts `berth ...` in a folder of its own."""
    monkeypatch.setenv("BERTH_CACHE", str(tmp_path / "cache"))
    started: list[Berth] = []

    def start(*arguments: str) -> Berth:
        started.append(Berth(tmp_path, *arguments))
        return started[-1]

    yield start
    for command in started:
        command.kill()


def test_a_killed_pod_a_scale_and_a_stop_cost_no_step(berth: Callable[..., Berth], tmp_path: Path) -> None:
    command = ("run", "--pods", "3", "quickstart", *SETTINGS)
    training = r"pretrain +\d+/.*?"
    run = berth(*command)
    if "--pods" in run.wait_to_hear(r"berth: --pods: |master-0 has started")[0]:
        pytest.skip(run.said)
    run.wait_to_hear(training)
    os.kill(int(run.wait_to_hear(r"worker-1 has started, process (\d+)")[1]), 9)
    anew = "worker-1 has ended with exit code 137, and is made anew.*?worker-1 has started.*?starting workers: 2.*?"
    run.wait_to_hear(anew + training)
    code, answer = berth("scale", "pods-test", "1", "--local").wait()
    assert (code, answer) == (0, "run pods-test: 1 Worker pods, 1 workers; it saves and goes on with them\n")
    run.wait_to_hear(anew + "starting workers: 1.*?" + training)
    run.wait_to_hear("worker-1 is gone")
    code, said = run.interrupt(signal.SIGTERM).wait(90)
    assert code == 130, said
    assert said.endswith("berth: the pods have ended; the same command continues\n")
    assert list((tmp_path / "cache" / "pods").iterdir()) == []

    code, said = berth(*command).wait(240)
    assert code == 0, said
    history = (tmp_path / "runs" / "pods-test" / "pretrain" / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in history] == list(range(5, STEPS + 1, 5))
