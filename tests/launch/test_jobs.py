from typing import Any

import pytest

from tests.launch.objects import pod, run, runs
from trainer.launch.jobs import Job


@pytest.mark.parametrize(
    ("phase", "seen"),
    [
        ("Pending", run(pod(state={"waiting": {"reason": "ContainerCreating"}}), conditions=("Created",))),
        ("Running", run(runs())),
        ("Restarting", run(conditions=("Created", "Restarting"))),
        ("Restarting", run(pod(), conditions=("Created", "Running"))),
        ("Suspended", run(conditions=("Created", "Suspended"), suspend=True)),
        ("Succeeded", run(conditions=("Created", "Succeeded"))),
        ("Failed", run(runs("worker"), conditions=("Created", "Failed"))),
    ],
)
def test_the_phase_is_what_the_master_does(phase: str, seen: Job) -> None:
    assert seen.phase == phase


def test_workers_that_run_are_counted_and_those_on_their_way_out_are_not() -> None:
    leaving: Any = runs("worker", 1)
    leaving["metadata"]["deletionTimestamp"] = "2026-11-28T07:08:00Z"
    seen = run(runs(), runs("worker", 0), leaving, pod("worker", 2), workers=3)
    assert (seen.workers_running, seen.workers_wanted, seen.complete) == (1, 3, False)


def test_a_job_with_all_its_pods_is_complete() -> None:
    assert run(runs(), runs("worker", 0), runs("worker", 1)).complete
