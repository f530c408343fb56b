"""`berth squad` as people run it: a sweep that is stopped goes on, grows, and its model is scored again."""

import json
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Start

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

OVERRIDES = (
    "squad.batch_size=8",
    "squad.micro_batch_size=8",
    "squad.max_length=128",
    "squad.max_query_length=32",
    "squad.doc_stride=64",
    "squad.epochs=2",
    "scaling.cpus_per_worker=1",
    "scaling.preflight=false",
    "tracking.wandb=disabled",
    "checkpoint.every=10",
)


def test_a_sweep_that_was_killed_goes_on_and_may_grow(berth: Start, undisturbed: Path, tmp_path: Path) -> None:
    world = undisturbed / "runs" / "tiny" / "world"
    model = str(undisturbed / "runs" / "tiny" / "pretrain" / "model")
    files = ("--train", str(world / "dev-v2.0.json"), "--eval", str(world / "dev-v2.0.json"))

    def result(seed: int) -> Path:
        return tmp_path / "runs" / "squad" / f"squad.3e-5.seed-{seed}" / "result.json"

    berth(tmp_path, "squad", "--model", model, *files, "--seeds", "2", *OVERRIDES).wait_for(result(0)).kill()
    first = result(0).read_text()
    code, output = berth(tmp_path, "squad", "--model", model, *files, "--seeds", "3", *OVERRIDES).wait()
    assert code == 0, output
    assert result(0).read_text() == first, "a finished trial is not repeated"
    (sweep,) = json.loads((tmp_path / "runs" / "squad" / "trials.json").read_text())
    assert sweep["rates"][0]["seeds"] == [0, 1, 2]
    assert "The trials of squad" in output

    trained = result(2).parent
    score = ("--model", str(trained / "model"), "--eval", files[-1], "--name", "again", *OVERRIDES)
    code, output = berth(tmp_path, "squad", *score).wait()
    assert code == 0, output
    again = json.loads((tmp_path / "runs" / "again" / "squad" / "result.json").read_text())
    assert again["steps"] == 0
    assert again["metrics"] == json.loads(result(2).read_text())["metrics"]
