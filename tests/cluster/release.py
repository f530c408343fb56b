"""A training run on the cluster, as its user sees it: helm starts it, kubectl looks at it, the Master's log tells."""

import json
import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.kubectl import conditions, get, kubectl, run, until

CHART, CORPUS_CHART = (str(Path(__file__).parents[2] / "charts" / name) for name in ("berth", "berth-corpus"))
Values = dict[str, Any]

RUN: Values = {
    "world": {"towns": 60, "dev_towns": 8},
    "corpus": {"sources": [{"path": "run://world/articles.txt"}], "held_out": 0.05},
    "vocab": {"size": 600},
    "model": {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 128,
    },
    "pretrain": {
        "max_steps": 200,
        "batch_size": 8,
        "micro_batch_size": 2,
        "max_length": 64,
        "eval_every": 1000,
        "log_every": 1,
        "optimizer": {"learning_rate": 1e-3},
    },
    "checkpoint": {"every": 50},
}
SQUAD: Values = {
    "name": "squad",
    "train": ["run://world/train-v2.0.json"],
    "dev": "run://world/dev-v2.0.json",
    "batch_size": 8,
    "micro_batch_size": 2,
    "max_length": 128,
    "max_query_length": 32,
    "doc_stride": 64,
    "epochs": 5,
    "optimizer": {"learning_rate": 1e-3},
}
FAKE: Values = {
    "node_selector": {"type": "kwok"},
    "tolerations": [{"key": "kwok.x-k8s.io/node", "operator": "Exists", "effect": "NoSchedule"}],
}
"""Pods for the nodes of `cluster fake`."""
SMALL = {"cpu": "100m", "memory": "3Gi"}


def values(image: str, **others: Any) -> Values:
    """Values of a run that trains in seconds, on pods that ask for little; `others` are laid over them."""
    repository, _, tag = image.rpartition(":")
    return merged(
        {
            "image": {"repository": repository, "tag": tag},
            "worker": SMALL,
            "master": SMALL,
            "pod": {"env": {"OMP_NUM_THREADS": "1"}, "tmp_size": "2Gi", "shm_size": "256Mi"},
            "run": RUN,
        },
        others,
    )


def merged(base: Values, over: Values) -> Values:
    """`base` with `over` laid over it, section by section, as Helm does."""
    result = deepcopy(base)
    for name, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(name), dict)
        result[name] = merged(result[name], value) if both else deepcopy(value)
    return result


def written(folder: Path, name: str, values: Values) -> tuple[str, str]:
    """Files of a run and of the values beside it."""
    settings = {"name": name, **values["run"]}
    others = {key: value for key, value in values.items() if key != "run"}
    files = folder / "run.yaml", folder / "values.yaml"
    for file, content in zip(files, (settings, others), strict=True):
        file.write_text(yaml.safe_dump(content))
    return str(files[0]), str(files[1])


@dataclass(frozen=True)
class Release:
    """One Helm release, a training run if it is of charts/berth."""

    name: str
    namespace: str
    helm: Callable[..., str]
    folder: Path
    chart: str = CHART

    def install(self, values: Values) -> "Release":
        self.helm("install", self.name, self.chart, "-n", self.namespace, "-f", self._file(values))
        return self

    def upgrade(self, values: Values, *arguments: str) -> None:
        self.helm("upgrade", self.name, self.chart, "-n", self.namespace, "-f", self._file(values), *arguments)

    def uninstall(self, *, missing_is_fine: bool = False) -> None:
        ignore = ["--ignore-not-found"] if missing_is_fine else []
        self.helm("uninstall", self.name, "-n", self.namespace, "--wait", *ignore)

    def job(self) -> Any:
        return get("-n", self.namespace, f"pytorchjob/{self.name}")

    def pods(self) -> dict[str, Any]:
        """The pods that are not on their way out, by name."""
        pods = get("-n", self.namespace, "pods", "-l", f"training.kubeflow.org/job-name={self.name}")
        return {pod["metadata"]["name"]: pod for pod in pods if "deletionTimestamp" not in pod["metadata"]}

    def log(self, pod: str = "master-0", *arguments: str) -> str:
        return kubectl("logs", "-n", self.namespace, f"{self.name}-{pod}", "-c", "pytorch", *arguments)

    def explained(self) -> str:
        """What `berth events` says."""
        return run(sys.executable, "-m", "trainer", "events", self.name, "-n", self.namespace)

    def scale(self, workers: int) -> None:
        kubectl("scale", "-n", self.namespace, f"pytorchjob/{self.name}", f"--replicas={workers}")

    def ended(self, seconds: float) -> str:
        """Wait for the job's end: `Succeeded` or `Failed`."""

        def outcome() -> str | None:
            reached = conditions(self.job())
            return next((name for name in ("Succeeded", "Failed") if reached.get(name)), None)

        return until(outcome, seconds, f"{self.name} ended", self.namespace)

    def exit_codes(self) -> dict[str, int]:
        return {
            name: pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"]
            for name, pod in self.pods().items()
        }

    def lines_after(self, moment: datetime) -> list[tuple[datetime, str]]:
        """The lines of the Master's log after a moment, with their times."""
        try:
            lines = self.log("master-0", "--timestamps").splitlines()
        except AssertionError:  # the pod is being replaced
            return []
        told = [line.partition(" ") for line in lines]
        timed = [(datetime.fromisoformat(time[:26].rstrip("Z") + "+00:00"), text) for time, _, text in told]
        return [(time, text) for time, text in timed if time > moment]

    def told(self, text: str, since: datetime, seconds: float = 120) -> datetime:
        """Wait until the Master's log says something; when it did."""

        def found() -> datetime | None:
            return next((time for time, line in self.lines_after(since) if text in line), None)

        return until(found, seconds, f"{self.name} says {text!r}", self.namespace)

    def trains(self, since: datetime, seconds: float = 240) -> float:
        """Wait for a step after a moment; how many seconds after."""
        return (self.told("  loss ", since, seconds) - since).total_seconds()

    def _file(self, values: Values) -> str:
        file = self.folder / f"{self.name}.yaml"
        file.write_text(yaml.safe_dump(values))
        return str(file)


def now() -> datetime:
    return datetime.now(UTC)


def history(files: Any, uri: str) -> list[dict[str, float]]:
    """The points of a stage's curves."""
    return [json.loads(line) for line in files.cat(f"{uri}/history.jsonl").decode().splitlines()]
