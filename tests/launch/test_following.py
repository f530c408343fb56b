"""Logs that break off, of pods that come and go; the played API server knows times by the second, as the real one."""

import itertools
import threading
from collections.abc import Iterator

import pytest

from tests.launch import objects
from tests.launch.api import Query, Refusal, Server
from trainer.errors import ClusterError
from trainer.launch import following
from trainer.launch.cluster import Cluster
from trainer.launch.following import Memory, follow
from trainer.launch.logs import raw_lines

JOB = "/apis/kubeflow.org/v1/namespaces/ns/pytorchjobs/my-run"
PODS = "/api/v1/namespaces/ns/pods"
LOG = f"{PODS}/my-run-master-0/log"
LINES = [f"2026-11-28T07:0{minute}:{second:02d}.{part}00000000Z line {minute}.{second}.{part}"
         for minute, second, part in itertools.product(range(2), range(3), range(4))]  # fmt: skip
TEXTS = [line.partition(" ")[2] for line in LINES]


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LOOK_EVERY", 0.02)


def ends(api: Server, *conditions: str) -> None:
    api.answers[JOB] = lambda _: objects.job("my-run", 1, *conditions)


def has(api: Server, *pods: objects.Object) -> None:
    api.answers[PODS] = lambda _: {"items": list(pods)}


def ended(uid: str = "1") -> objects.Object:
    pod = objects.pod(state={"terminated": {"exitCode": 0}})
    pod["metadata"]["uid"] = uid
    return pod


def after(query: Query, lines: list[str]) -> list[bytes]:
    """As the API server does: all of the second that is asked for, and what follows."""
    since = query.get("sinceTime", "")
    assert len(since) in (0, 20), "no finer than a second, says the API"
    return [f"{line}\n".encode() for line in lines if line[:19] >= since[:19]]


def test_a_stream_that_breaks_off_in_any_place_loses_no_line_and_repeats_none(
    api: Server, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends(api, "Created", "Succeeded")
    has(api, ended())
    places = iter(range(1, 3 * len(LINES), 5))

    def log(query: Query) -> Iterator[bytes]:
        data, place = b"".join(after(query, LINES)), next(places)
        if place < len(data) and query.get("sinceTime", "") < "2026-11-28T07:01:02":
            yield data[: place * 20]
            raise ConnectionError
        yield data

    api.answers[LOG] = log
    monkeypatch.setattr(following, "TRIES", 1000)
    assert [line.text for line in follow(cluster, "my-run", print)] == TEXTS
    assert len([path for path, _ in api.asked if path == LOG]) > 2


def test_a_master_that_is_made_anew_is_read_on(api: Server, cluster: Cluster) -> None:
    ends(api, "Created", "Running")
    has(api, ended("first"))
    lives = iter([LINES[:5], LINES[5:]])

    def log(_: Query) -> Iterator[bytes]:
        for line in next(lives):
            yield f"{line}\n".encode()
        has(api, ended("second"))

    api.answers[LOG] = log
    lines = follow(cluster, "my-run", print, tail=3)
    found = [next(lines).text for _ in TEXTS]
    assert found == TEXTS
    ends(api, "Created", "Succeeded")
    assert list(lines) == []
    assert [query.get("tailLines") for path, query in api.asked if path == LOG] == ["3", None]


def test_an_api_server_that_is_away_is_said_once_and_waited_for(api: Server, cluster: Cluster) -> None:
    ends(api, "Created", "Running")
    has(api, objects.runs())
    said: list[str] = []

    def log(query: Query) -> Iterator[bytes]:
        if "sinceTime" not in query:
            yield b"".join(after(query, LINES[:7]))
            api.away = True
            raise ConnectionError
        yield from after(query, LINES)
        ends(api, "Created", "Succeeded")
        has(api)

    def say(text: str) -> None:
        said.append(text)
        if "is away" in text:
            threading.Timer(0.3, lambda: setattr(api, "away", False)).start()

    api.answers[LOG] = log
    lines = follow(cluster, "my-run", say)
    first = [next(lines).text for _ in range(7)]
    assert first + [line.text for line in lines] == TEXTS
    assert [text.split(" (")[0] for text in said] == ["the API server is away", "the API server is back"]


def test_a_stream_that_hangs_since_the_outage_is_not_waited_for(api: Server, cluster: Cluster) -> None:
    ends(api, "Created", "Running")
    has(api, objects.runs())
    over = threading.Event()

    def log(query: Query) -> Iterator[bytes]:
        if "sinceTime" not in query:
            yield b"".join(after(query, LINES[:7]))
            api.away = True
            over.wait(10)
            return
        yield from after(query, LINES)
        ends(api, "Created", "Succeeded")
        has(api)

    api.answers[LOG] = log
    lines = follow(cluster, "my-run", lambda _: threading.Timer(0.3, lambda: setattr(api, "away", False)).start())
    assert [line.text for line in lines] == TEXTS
    assert not over.is_set()
    over.set()


def test_a_pod_that_has_not_started_says_why_once(api: Server, cluster: Cluster) -> None:
    ends(api, "Created")
    waiting = {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "object-store" not found'}}
    has(api, objects.pod(state=waiting))
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        has(api, ended())
        ends(api, "Created", "Succeeded")

    api.answers[LOG] = lambda query: iter(after(query, LINES))
    assert [line.text for line in follow(cluster, "my-run", say)] == TEXTS
    assert len(said) == 1
    assert said[0].startswith("master-0 has not started: the secret object-store does not exist; create it")


def test_a_log_that_may_not_be_read_ends_the_following(api: Server, cluster: Cluster) -> None:
    ends(api, "Created", "Running")
    has(api, objects.runs())

    def refuse(_: Query) -> Iterator[bytes]:
        raise Refusal(403, "pods/log is forbidden")

    api.answers[LOG] = refuse
    with pytest.raises(ClusterError, match="you may not in namespace ns: pods/log is forbidden"):
        list(follow(cluster, "my-run", print))


def test_a_log_that_is_lost_with_its_node_holds_nothing_up(api: Server, cluster: Cluster) -> None:
    ends(api, "Created", "Failed")
    has(api, ended())

    def lost(_: Query) -> Iterator[bytes]:
        raise Refusal(500, "dial tcp: no route to host")

    api.answers[LOG] = lost
    assert list(follow(cluster, "my-run", print)) == []


def test_a_run_that_is_deleted_ends_the_following(api: Server, cluster: Cluster) -> None:
    ends(api, "Created", "Running")
    has(api)
    said: list[str] = []

    def gone(_: Query) -> objects.Object:
        raise Refusal(404, 'pytorchjobs "my-run" not found')

    def pods(_: Query) -> objects.Object:
        api.answers[JOB] = gone
        return {"items": []}

    api.answers[PODS] = pods
    assert list(follow(cluster, "my-run", said.append)) == []
    assert said == ["run my-run is no more"]


def test_what_a_node_says_of_a_log_that_is_gone_is_no_line_of_it(api: Server, cluster: Cluster) -> None:
    ends(api, "Created", "Succeeded")
    has(api, ended())
    gone = b"unable to retrieve container logs for containerd://a30cee85cad0"
    api.answers[LOG] = lambda query: iter([*after(query, LINES), gone])
    assert [line.text for line in follow(cluster, "my-run", print)] == TEXTS


def test_a_memory_takes_up_a_log_from_the_second_of_its_last_line() -> None:
    memory = Memory()
    assert all(memory.new(line) for line in LINES[:6])
    assert memory.since == "2026-11-28T07:00:01Z"
    assert [line for line in LINES[4:] if memory.new(line)] == LINES[6:]


def test_a_node_with_another_time_zone_keeps_it() -> None:
    memory = Memory()
    memory.new("2026-11-28T07:00:01.5+01:00 hello")
    assert memory.since == "2026-11-28T07:00:01+01:00"


def test_lines_are_whole_however_they_come() -> None:
    assert list(raw_lines([b"one\ntw", b"o\n", b"thr\xc3", b"\xa9e"])) == ["one", "two", "thrée"]
