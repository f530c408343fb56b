"""What goes wrong ends or waits as documented, and one command tells why."""

from collections.abc import Callable

import pytest

from tests.cluster.kubectl import get, kubectl, until
from tests.cluster.release import Release, Values, merged, now

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600, func_only=True)]

NewRelease = Callable[[str], Release]


def waiting_reason(run: Release, pod: str) -> str:
    """What `kubectl get pods` shows as STATUS."""
    found = run.pods().get(f"{run.name}-{pod}", {})
    states = [status["state"] for status in found.get("status", {}).get("containerStatuses", [])]
    return next((state["waiting"]["reason"] for state in states if "waiting" in state), "")


def events(run: Release) -> str:
    return kubectl("get", "events", "-n", run.namespace)


def test_a_bad_image_waits_and_kubectl_get_pods_says_why(release: NewRelease, on_s3: Values) -> None:
    run = release("bad-image").install(merged(on_s3, {"image": {"tag": "missing"}}))
    until(lambda: waiting_reason(run, "master-0") in ("ErrImagePull", "ImagePullBackOff"), 60, "the reason")
    assert ":missing" in run.explained()


def test_a_missing_secret_waits_and_the_events_name_it(release: NewRelease, on_s3: Values) -> None:
    run = release("no-secret").install(merged(on_s3, {"storage": {"secret": "not-there"}}))
    until(lambda: waiting_reason(run, "master-0") == "CreateContainerConfigError", 60, "the reason")
    assert 'secret "not-there" not found' in events(run)
    assert "the secret not-there does not exist" in run.explained()


def test_a_worker_that_fits_nowhere_waits_and_the_master_s_log_says_for_what(
    release: NewRelease, on_s3: Values
) -> None:
    began = now()
    run = release("too-big").install(merged(on_s3, {"worker": {"memory": "900Gi"}}))
    run.told("waiting for nodes: room for 0 of 1 workers", began)
    assert "Insufficient memory" in events(run)
    assert "nodes has enough memory free" in run.explained()


def test_storage_that_refuses_ends_the_job_and_the_master_s_log_says_why(release: NewRelease, on_s3: Values) -> None:
    run = release("no-bucket").install(merged(on_s3, {"run": {"storage": "s3://not-there/runs"}}))
    assert run.ended(180) == "Failed"
    assert run.exit_codes()["no-bucket-master-0"] == 2
    assert "berth: s3://not-there/runs/no-bucket" in run.log()
    assert "Traceback" not in run.log()
    assert "a person has to mend something: s3://not-there/runs/no-bucket" in run.explained()


def test_a_deadline_saves_and_ends_the_job(release: NewRelease, on_s3: Values) -> None:
    long = {"pretrain": {"max_steps": 1_000_000}, "limits": {"deadline_hours": 50 / 3600}}
    run = release("too-late").install(merged(on_s3, {"run": long}))
    assert run.ended(300) == "Failed"
    assert run.exit_codes()["too-late-master-0"] == 124
    assert "limits.deadline_hours: 0.0138889 hours are over and the run is saved" in run.log()
    assert "limits.deadline_hours are over, and the run is saved" in run.explained()


def test_a_worker_that_runs_out_of_memory_ends_the_job_after_some_tries(release: NewRelease, on_s3: Values) -> None:
    few = {"limits": {"max_failures": 1}}
    run = release("no-memory").install(merged(on_s3, {"worker": {"memory": "700Mi"}, "run": few}))
    assert run.ended(400) == "Failed"
    assert run.exit_codes()["no-memory-master-0"] == 3
    log = run.log()
    assert "memory" in log.splitlines()[-1], log
    assert get("-n", run.namespace, "pods") != []


def test_a_setting_that_the_trainer_refuses_is_refused_by_helm(release: NewRelease, on_s3: Values) -> None:
    with pytest.raises(AssertionError, match="max_step"):
        release("typo").install(merged(on_s3, {"run": {"pretrain": {"max_step": 5}}}))
