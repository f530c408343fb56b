"""How soon training goes on after a disturbance, beside Ray's defaults: python -m tests.benchmarks.recovery

On the cluster of tests/cluster (root, Go, Debian 12; one that is up is used if KUBECONFIG is its own) the chart's run
and then Ray Train's own elastic training (ray_train.py, ray.yaml) train one model on one corpus, with a checkpoint at
equal intervals on the same S3 server. Each is disturbed in the middle of an interval, in the same ways. A step is new
when none before had its number; a run is back with the first new step of a group of the right size.
Most of the seconds are starts of processes, so a single figure varies by half on a busy machine. Ends with an error
where our run does not come back or a resize costs a step.
"""

import re
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from string import Template
from urllib.request import urlopen

import yaml
from rich.console import Console
from rich.table import Table

from tests.benchmarks.loader import _machine
from tests.cluster.conftest import Cluster, loaded, reached, serving, values_on
from tests.cluster.kubectl import apply, describe, get, kubectl, run, until
from tests.cluster.release import Release, Values, merged, now
from tests.cluster.test_resizing import KILL

EVERY = 24
"""Steps between two checkpoints; each disturbance comes half-way."""
PAUSE = 4.0
"""Seconds without a new step that are no longer a slow step or a checkpoint."""
WAIT = 240.0
"""Seconds until a run is given up."""
NAMESPACE = "recovery"
RUN: Values = {
    "model": {"hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 512},
    "pretrain": {"max_steps": 1_000_000, "batch_size": 48, "micro_batch_size": 48, "precision": "fp32"},
    "checkpoint": {"every": EVERY},
}


@dataclass(frozen=True)
class Step:
    at: float
    """Seconds since 1970."""
    number: int
    workers: int


@dataclass(frozen=True)
class Side(Release):
    """One of the two; `Release` finds job, pods and log of both."""

    values: Values = field(default_factory=dict[str, object])

    def begin(self) -> None:
        self.install(self.values)

    def end(self) -> None:
        self.uninstall()

    def steps(self, since: float) -> list[Step]:
        """The newest step, as the Master's metrics tell it."""
        try:
            address = get("-n", self.namespace, "pod", f"{self.name}-master-0")["status"]["podIP"]
            told = urlopen(f"http://{address}:6386/metrics", timeout=2).read().decode()
        except (AssertionError, KeyError, OSError):  # the Master is being replaced
            return []
        found = {name: float(value) for name, value in re.findall(r"^berth_(\w+)\{.*\} (\S+)$", told, re.MULTILINE)}
        return [Step(time.time(), int(found["step"]), int(found["train_world_size"]))] if "step" in found else []


class Ray(Side):
    def begin(self) -> None:
        here = Path(__file__).parent
        run = {"name": "berth"} | self.values["run"]  # whose corpus this one reads
        files = {"run.yaml": yaml.safe_dump(run), "ray_train.py": (here / "ray_train.py").read_text()}
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "recovery"}, "data": files}
        image = "{repository}:{tag}".format(**self.values["image"])
        apply(
            config,
            yaml.safe_load(Template((here / "ray.yaml").read_text()).substitute(image=image)),
            namespace=self.namespace,
        )

    def end(self) -> None:
        kubectl("delete", "pytorchjob", "-n", self.namespace, self.name, "--cascade=foreground")

    def steps(self, since: float) -> list[Step]:
        """Every step after a moment, as the driver's log tells them."""
        found = [
            (at.timestamp(), re.search(r"step (\d+) on (\d+) workers", line))
            for at, line in self.lines_after(now() - timedelta(seconds=time.time() - since))
        ]
        return [Step(at, int(step[1]), int(step[2])) for at, step in found if step]


@dataclass(frozen=True)
class Figures:
    back: float
    """Seconds from the disturbance to the first new step in a group of the expected size."""
    still: float
    """Seconds of it in which no step was new."""
    again: int
    """Steps that were done a second time."""


def delete(pod: str, *arguments: str) -> Callable[[Side], object]:
    return lambda side: kubectl("delete", "pod", "-n", side.namespace, f"{side.name}-{pod}", "--wait=false", *arguments)


def kill_worker(side: Side) -> None:
    pod = f"{side.name}-worker-0"
    kubectl("exec", "-i", "-n", side.namespace, pod, "-c", "pytorch", "--", "python3", "-", stdin=KILL)


def other_node(side: Side) -> str:
    """The node that the Master is not on."""
    master = get("-n", side.namespace, "pod", f"{side.name}-master-0")["spec"]["nodeName"]
    return {"node1": "node2", "node2": "node1"}[master]


def disturbances(cluster: Cluster) -> list[tuple[str, Callable[[Side], object], set[int]]]:
    """Each with the numbers of workers that are right after it; from the second on each finds the run as the one before
    left it.
    """
    return [
        ("scaled from 1 to 3 Workers", lambda side: side.scale(3), {3}),
        ("scaled from 3 to 1", lambda side: side.scale(1), {1}),
        ("Worker pod deleted", delete("worker-0"), {1}),
        ("worker process killed", kill_worker, {1}),
        ("Master pod killed", delete("master-0", "--grace-period=0", "--force"), {1}),
        ("scaled from 1 to 3 again", lambda side: side.scale(3), {3}),
        ("node lost", lambda side: cluster.lane("lose", other_node(side)), {1, 2}),
    ]


def between_checkpoints(side: Side) -> tuple[Step, float]:
    """Wait for the middle of the second interval from now; the step there, and steps a second."""
    seen: list[Step] = []

    def there() -> bool:
        seen.extend(side.steps(seen[-1].at if seen else time.time()))
        return (
            bool(seen) and seen[-1].number >= seen[0].number + EVERY and 0 <= seen[-1].number % EVERY - EVERY // 2 < 4
        )

    until(there, WAIT, f"{side.name} trains", side.namespace)
    return seen[-1], (seen[-1].number - seen[0].number) / (seen[-1].at - seen[0].at)


def measured(side: Side, disturb: Callable[[Side], object], expected: set[int], before: Step) -> Figures | None:
    """Disturb a run and watch it until it is back; None if it does not come back."""
    began = time.time()
    newest = last = before
    still, again = 0.0, 0
    disturb(side)
    while time.time() < began + WAIT:
        for step in side.steps(last.at):
            if step.number < last.number:
                again += newest.number - (step.number - 1) // EVERY * EVERY
            last = step
            if step.number <= newest.number:
                continue
            if step.at - newest.at > PAUSE:
                still += step.at - newest.at
            newest = step
            if still and step.workers in expected:
                return Figures(step.at - began, still, again)
        time.sleep(0.2)
    return None


def figures(side: Side, cluster: Cluster) -> tuple[dict[str, Figures | None], float]:
    """What each disturbance cost, and the undisturbed steps a second of one worker."""
    side.begin()
    until(lambda: side.steps(0), WAIT, f"{side.name} trains", side.namespace)
    found: dict[str, Figures | None] = {}
    rates: list[float] = []
    for name, disturb, expected in disturbances(cluster):
        before, rate = between_checkpoints(side)
        rates.append(rate)
        found[name] = measured(side, disturb, expected, before)
        print(f"{side.name}: {name}: {found[name] or describe(side.namespace)}", flush=True)
        if found[name] is None:  # the next ones want a run that trains
            side.end()
            side.begin()
    cluster.lane("return", other_node(side))
    side.end()
    return found, rates[0]


def main() -> int:
    helm = partial(run, "helm")
    with reached() as cluster, serving(cluster) as s3, tempfile.TemporaryDirectory() as folder:
        image = loaded(cluster)
        kubectl("create", "namespace", NAMESPACE)
        try:
            values = merged(values_on(s3, image, NAMESPACE), {"run": RUN})
            ours = Side("berth", NAMESPACE, helm, Path(folder), values=values)
            ray = Ray("ray", NAMESPACE, helm, Path(folder), values=values)
            (our_figures, our_rate), (rays_figures, rays_rate) = figures(ours, cluster), figures(ray, cluster)
        finally:
            kubectl("delete", "namespace", NAMESPACE, "--timeout=100s")
    rates = f"steps a second of one worker: {our_rate:.1f} and {rays_rate:.1f}; a checkpoint each {EVERY} steps"
    table = Table(title="Seconds until training goes on (steps done again)", caption=f"{rates}\n{_machine()}")
    for column in ("", "Berth: back", "without a step", "Ray's defaults: back", "without a step", "ratio"):
        table.add_column(column, justify="right" if column else "left")
    for name, mine in our_figures.items():
        peer = rays_figures[name]
        ratio = f"{peer.still / mine.still:.1f}" if mine and peer else ""
        table.add_row(name, *_cells(mine), *_cells(peer), ratio)
    Console(width=120).print(table)
    lost = [name for name, mine in our_figures.items() if mine is None or ("scaled" in name and mine.again)]
    if lost:
        print(f"did not come back, or lost steps: {', '.join(lost)}")
        return 1
    return 0


def _cells(figures: Figures | None) -> tuple[str, str]:
    if figures is None:
        return f"does not come back (waited {WAIT:.0f} s)", ""
    return f"{figures.back:.0f} s", f"{figures.still:.0f} s ({figures.again})"


if __name__ == "__main__":
    sys.exit(main())
