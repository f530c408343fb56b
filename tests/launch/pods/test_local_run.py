"""A real run on pods of this machine: one is killed, the job is scaled, stopped, and goes on to its end."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

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


class LocalRun:
    """`berth run --pods 3` in a folder, and what it printed."""

    def __init__(self, folder: Path, number: int) -> None:
        self._log = folder / f"output-{number}.txt"
        with self._log.open("w") as output:
            command = [sys.executable, "-m", "trainer", "run", "--pods", "3", "quickstart", *SETTINGS]
            self.process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)

    @property
    def said(self) -> str:
        return self._log.read_text()

    def wait_for(self, pattern: str, seconds: float = 240) -> re.Match[str]:
        """Until it has said this."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.said, re.DOTALL)):
            if "berth: --pods: " in self.said:
                pytest.skip(self.said)
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, f"not said in {seconds} s: {pattern}\n{self.said}"
            time.sleep(0.1)
        return found


@contextmanager
def started(folder: Path, number: int) -> Iterator[LocalRun]:
    run = LocalRun(folder, number)
    try:
        yield run
    finally:
        run.process.kill()
        run.process.wait()


def test_a_killed_pod_a_scale_and_a_stop_cost_no_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTH_CACHE", str(tmp_path / "cache"))
    training = r"pretrain +\d+/.*?"
    with started(tmp_path, 1) as run:
        run.wait_for(training)
        os.kill(int(run.wait_for(r"worker-1 has started, process (\d+)")[1]), 9)
        anew = "worker-1 has ended with exit code 137, and is made anew.*?worker-1 has started.*?starting workers: 2.*?"
        run.wait_for(anew + training)
        scale = [sys.executable, "-m", "trainer", "scale", "pods-test", "1", "--local"]
        answer = subprocess.run(scale, capture_output=True, text=True, check=True)
        assert answer.stdout == "run pods-test: 1 Worker pods, 1 workers; it saves and goes on with them\n"
        run.wait_for(anew + "starting workers: 1.*?" + training)
        run.wait_for("worker-1 is gone")
        run.process.terminate()
        assert run.process.wait(90) == 130, run.said
        assert run.said.endswith("berth: the pods have ended; the same command continues\n")
    assert list((tmp_path / "cache" / "pods").iterdir()) == []

    with started(tmp_path, 2) as run:
        assert run.process.wait(240) == 0, run.said
    history = (tmp_path / "runs" / "pods-test" / "pretrain" / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in history] == list(range(5, STEPS + 1, 5))
