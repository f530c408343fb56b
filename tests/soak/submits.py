"""Runs submitted and deleted again and again on a real API server, through the Kubernetes API and by helm.

Each lane is one process, in which the command line is called as a user types it, always with the same name. The pods
seem to run, on KWOK's nodes. In the end the cluster has the objects that it had before.
"""

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import psutil
from click.testing import CliRunner

from tests.benchmarks.real_text import show
from tests.cluster.conftest import reached
from tests.cluster.kubectl import apply, kubectl
from tests.cluster.release import FAKE, merged, values, written
from tests.soak.growth import Held, growing, held, slope, tenths
from trainer.cli import main

Way = Literal["API", "helm"]

NAMESPACE = "soak"
PATIENCE = 60.0
"""Seconds for what is deleted in the background."""
LABEL = "app.kubernetes.io/instance"
NOT_COUNTED = ("events", "events.events.k8s.io", "leases.coordination.k8s.io", "componentstatuses")
"""Kinds: events expire by themselves, leases are the nodes', the last is no object."""


@dataclass(frozen=True, slots=True)
class Cycles:
    """Of one process."""

    way: Way
    seconds: Sequence[float]
    held: Sequence[Held]


def soak(namespace: str, cycles: int, by_helm: int, at_once: int, minutes: float) -> list[str]:
    """Print what the cycles took and left; what is wrong, in words.

    Args:
        namespace: is there, and stays.
        cycles: through the API.
        by_helm: as many more, in one process.
        at_once: processes that share those through the API.
        minutes: after which no cycle begins.
    """
    token = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"}  # no pod is real
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "object-store"}, "stringData": token}
    apply(secret, namespace=namespace)
    kinds = kubectl("api-resources", "--verbs=list", "-o", "name").split()
    counted = [kind for kind in kinds if kind not in NOT_COUNTED]
    before = objects(counted)
    shares = [cycles // at_once + (number < cycles % at_once) for number in range(at_once)]
    lanes: list[tuple[Way, int]] = [("API", share) for share in shares if share]
    lanes += [("helm", by_helm)] if by_helm else []
    with ProcessPoolExecutor(len(lanes), get_context("spawn"), max_tasks_per_child=1) as pool:
        running = [
            pool.submit(_lane, way, f"soak-{number}", share, namespace, minutes)
            for number, (way, share) in enumerate(lanes)
        ]
        done = [lane.result() for lane in running]
    rows = [_row(lane) for lane in done]
    columns = ["", "cycles", "s a cycle, first tenth", "last", "MiB", "KiB per 1,000 cycles", "files", "threads"]
    left = _left(before, counted, namespace)
    note = f"{sum(before.values())} objects of {len(before)} kinds before; left: {', '.join(left) or 'none'}"
    show("Runs submitted and deleted", columns, rows, note)
    return [*left, *(problem for lane in done for problem in growing(f"a process by {lane.way}", lane.held))]


@contextmanager
def on_cluster() -> Generator[str]:
    """A namespace of the cluster that tests/cluster would take, as long as the block lasts."""
    with reached() as cluster:
        cluster.lane("fake", "2")
        kubectl("create", "namespace", NAMESPACE)
        try:
            kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
            yield NAMESPACE
        finally:
            kubectl("delete", "namespace", NAMESPACE, "--timeout=100s")


def objects(kinds: Sequence[str]) -> Counter[str]:
    """How many objects of each kind the cluster has."""
    names = kubectl("get", ",".join(kinds), "-A", "-o", "name").split()
    return Counter(name.partition("/")[0] for name in names)


def _lane(way: Way, name: str, cycles: int, namespace: str, minutes: float) -> Cycles:
    if way == "API":
        os.environ["PATH"] = _without_helm()
    me, seconds, samples = psutil.Process(), list[float](), list[Held]()
    last = time.monotonic() + 60 * minutes
    small = {"workers": 2, "worker": FAKE, "master": FAKE, "run": {"storage": "s3://berth/runs"}}
    with TemporaryDirectory() as folder:
        run, file = written(
            Path(folder), name, merged(values("berth:soak"), {**small, "storage": {"secret": "object-store"}})
        )
        for cycle in range(cycles):
            if (begin := time.monotonic()) > last:
                break
            _berth("submit", run, "--values", file, "--detach", "--namespace", namespace)
            _berth("stop", name, "--delete", "--yes", "--namespace", namespace)
            seconds.append(time.monotonic() - begin)
            samples.append(held(me, cycle))
    return Cycles(way, seconds, samples)


def _berth(*arguments: str) -> None:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, f"berth {' '.join(arguments)}: {done.output}{done.exception or ''}"


def _without_helm() -> str:
    """PATH without the folders that have it."""
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if shutil.which("helm", path=folder) is None)


def _left(before: Counter[str], counted: Sequence[str], namespace: str) -> list[str]:
    """What is there in the end and was not before, in words."""
    deadline = time.monotonic() + PATIENCE
    while (now := objects(counted)) != before and time.monotonic() < deadline:
        time.sleep(1)
    changed = [kind for kind in sorted(now | before) if now[kind] != before[kind]]
    more = [f"{now[kind]} {kind} instead of {before[kind]}" for kind in changed]
    kinds = ",".join(kubectl("api-resources", "--verbs=list", "--namespaced", "-o", "name").split())
    labelled = json.loads(kubectl("get", kinds, "-n", namespace, "-l", LABEL, "-o", "json"))["items"]
    return more + [f"{each['kind']} {each['metadata']['name']}" for each in labelled if each["kind"] != "Event"]


def _row(lane: Cycles) -> list[str]:
    first, last = tenths(lane.seconds)
    end = lane.held[-1]
    figures = [f"{first:.2f}", f"{last:.2f}", f"{end.mib:.0f}", f"{1024 * 1000 * slope(lane.held):,.0f}"]
    return [lane.way, str(len(lane.seconds)), *figures, str(end.files), str(end.threads)]
