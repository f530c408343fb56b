from tests.launch.objects import event, pod, run, runs
from trainer.launch.events import reasons

BACK_OFF = 'Back-off pulling image "a:b": ErrImagePull: a:b: not found'
PULL = {"waiting": {"reason": "ImagePullBackOff", "message": BACK_OFF}}
QUOTA = 'Error creating: pods "my-run-worker-1" is forbidden: exceeded quota: small, requested: pods=1, limited: pods=2'


def test_one_reason_of_many_pods_is_said_once() -> None:
    found = reasons(run(*(pod("worker", index, state=PULL) for index in range(3)), workers=3), [])
    assert [(event.about, event.words) for event in found] == [
        (["worker-0", "worker-1", "worker-2"], "there is no image a:b")
    ]


def test_a_pod_that_could_not_be_made_is_explained_by_the_job_s_events() -> None:
    found = reasons(run(runs(), runs("worker")), [event("my-run", "FailedCreatePod", QUOTA)])
    assert [event.about for event in found] == [["job"]]
    assert "quota small" in found[0].words


def test_what_held_back_a_run_that_trains_now_is_history() -> None:
    assert reasons(run(runs(), runs("worker"), workers=1), [event("my-run", "FailedCreatePod", QUOTA)]) == []


def test_events_of_others_are_not_this_run_s() -> None:
    assert reasons(run(runs()), [event("my-run-2", "FailedCreatePod", QUOTA)]) == []


def test_a_warning_that_nobody_has_put_into_words_is_shown_as_it_is() -> None:
    found = reasons(run(pod()), [event("my-run-master-0", "Odd", "the moon is full", "Pod")])
    assert (found[0].about, found[0].words) == (["master-0"], "Odd: the moon is full")


def test_a_run_that_failed_is_explained_by_the_last_words_of_its_master() -> None:
    ended = pod(state={"terminated": {"reason": "Error", "exitCode": 2}})
    found = reasons(run(ended, conditions=("Created", "Failed")), [], "s3://x/runs: there is no such bucket")
    assert found[0].words == "a person has to mend something: s3://x/runs: there is no such bucket"


def test_a_run_that_failed_long_ago_says_at_least_which_pod_did() -> None:
    message = "PyTorchJob my-run is failed because 1 Master replica(s) failed."
    found = reasons(run(conditions=("Created", "Failed"), message=message), [])
    assert [event.words for event in found] == ["its Master failed, and the pod is no more"]


def test_a_suspended_run_says_how_it_goes_on() -> None:
    found = reasons(run(conditions=("Created", "Suspended"), suspend=True), [])
    assert "`berth resume my-run`" in found[0].remedy
