"""The lane of the real cluster: the chart's run on that of tests/cluster, and the faults that make sense there."""

import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from tests.chaos.run import MOST_WORKERS, Fault
from tests.cluster.conftest import S3, Cluster, loaded, reached, serving, values_on
from tests.cluster.kubectl import conditions, get, kubectl, run
from tests.cluster.release import Release, Values, merged
from tests.cluster.test_resizing import KILL

NAMESPACE = "chaos"
AWAY_SECONDS = 30.0
"""Until a lost node returns."""


class Kubernetes:
    """A release that is not installed yet."""

    def __init__(self, cluster: Cluster, s3: S3, release: Release, values: Values) -> None:
        self._cluster = cluster
        self._s3 = s3
        self._release = release
        self._values = values
        self._workers = int(values["workers"])
        self.faults: Mapping[str, Fault] = {
            "kill worker": self.kill_worker,
            "drain Worker pod": self.drain_worker_pod,
            "kill Master pod": self.kill_master_pod,
            "add Worker pod": partial(self.scale, 1),
            "remove Worker pod": partial(self.scale, -1),
        }
        if cluster.is_lane:
            self.faults |= {"lose node": self.lose_node}

    def start(self) -> None:
        self._release.install(self._values)

    def wait(self, seconds: float) -> int | None:
        deadline = time.monotonic() + seconds
        while True:
            reached = conditions(self._release.job())
            if reached.get("Succeeded") or reached.get("Failed"):
                return 0 if reached.get("Succeeded") else 1
            if time.monotonic() > deadline:
                return None
            time.sleep(0.5)

    def address(self) -> str | None:
        try:
            return get("-n", NAMESPACE, "pod", f"{self._release.name}-master-0")["status"].get("podIP")
        except AssertionError:  # it is being replaced
            return None

    def saved(self) -> int:
        names = self._s3.files().glob(f"{self._stage}/checkpoints/step-*/complete.json")
        return max((int(name.split("/")[-2].removeprefix("step-")) for name in names), default=0)

    def result(self) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="berth-chaos-"))
        self._s3.files().get(f"{self._stage}/", str(folder), recursive=True)
        return folder

    def kill_worker(self, random: Random) -> None:
        """The training processes of one pod."""
        pod = self._some_worker(random)
        kubectl("exec", "-i", "-n", NAMESPACE, pod, "-c", "pytorch", "--", "python3", "-", stdin=KILL)

    def drain_worker_pod(self, random: Random) -> None:
        kubectl("delete", "pod", "-n", NAMESPACE, self._some_worker(random), "--wait=false")

    def kill_master_pod(self, random: Random) -> None:
        master = f"{self._release.name}-master-0"
        kubectl("delete", "pod", "-n", NAMESPACE, master, "--grace-period=0", "--force")

    def scale(self, by: int, random: Random) -> None:
        to = self._workers + by
        self._workers = to if 1 <= to <= MOST_WORKERS else self._workers - by
        self._release.scale(self._workers)

    def lose_node(self, random: Random) -> None:
        """The one that the Master is not on."""
        master = get("-n", NAMESPACE, "pod", f"{self._release.name}-master-0")["spec"]["nodeName"]
        lost = {"node1": "node2", "node2": "node1"}[master]
        self._cluster.lane("lose", lost)
        try:
            self.wait(AWAY_SECONDS)
        finally:
            self._cluster.lane("return", lost)

    @property
    def _stage(self) -> str:
        return f"{self._s3.bucket}/runs/{self._release.name}/pretrain"

    def _some_worker(self, random: Random) -> str:
        running = [name for name, pod in self._release.pods().items() if "worker" in name and _runs(pod)]
        assert running, "no Worker pod runs"
        return random.choice(sorted(running))


@contextmanager
def on_cluster(configuration: Mapping[str, Any], folder: Path) -> Generator[Kubernetes]:
    """A lane with an S3 server of its own, in a namespace that is deleted after it."""
    with reached() as cluster, serving(cluster) as s3:
        image = loaded(cluster)
        kubectl("create", "namespace", NAMESPACE)
        try:
            kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
            values = merged(values_on(s3, image, NAMESPACE), {"workers": 2, "run": dict(configuration)})
            yield Kubernetes(cluster, s3, Release("chaos", NAMESPACE, partial(run, "helm"), folder), values)
        finally:
            kubectl("delete", "namespace", NAMESPACE, "--timeout=100s")


def _runs(pod: dict[str, Any]) -> bool:
    return pod.get("status", {}).get("phase") == "Running"
