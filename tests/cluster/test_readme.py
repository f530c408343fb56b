"""README's walk through a cluster, typed as it stands. Only the namespace, the image and the address of the storage are
others than there, and the runs are smaller.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from tests.cluster.conftest import S3
from tests.cluster.kubectl import apply, get, until
from tests.cluster.release import RUN, SQUAD, Release, Values, history, merged, now
from tests.markdown import readme

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900, func_only=True)]

ROOT = Path(__file__).parents[2]
NAME = "my-run"
STEPS = 600
"""More than are done until a third Worker has started and joined."""
SMALL = {key: value for key, value in RUN.items() if key != "corpus"}


def commands(beginning: str) -> Iterator[list[str]]:
    """Of the block that begins so, without what is said beside them."""
    for line in readme(beginning).splitlines():
        yield shlex.split(line, comments=True)


class Terminal:
    """Where README is typed; what runs beside it writes to files."""

    def __init__(self, namespace: str, folder: Path) -> None:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self._environment = {**os.environ, "PATH": path, "BERTH_NAMESPACE": namespace}
        self._folder = folder

    def run(self, command: list[str], answer: str = "") -> str:
        """What it says."""
        result = subprocess.run(
            command, cwd=ROOT, env=self._environment, input=answer, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
        return f"{result.stdout}{result.stderr}"

    @contextmanager
    def beside(self, command: list[str]) -> Iterator[Path]:
        """Let it run in another terminal, as long as the block lasts; the file with what it says."""
        told = self._folder / "-".join(command[:2])
        with told.open("w") as output:
            running = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield told
        finally:
            running.terminate()
            running.wait()


def test_the_first_steps_go_from_install_to_scores(
    new_release: Callable[..., Release], namespace: str, on_s3: Values, s3: S3, tmp_path: Path
) -> None:
    _, _, install, wait, follow, scale, scores = commands("make image")
    lane = tmp_path / "lane.yaml"
    storage = {"secret": "object-store", "size": ""}
    smaller = {**SMALL, "pretrain": {**RUN["pretrain"], "max_steps": STEPS}, "squad": [SQUAD]}
    lane.write_text(yaml.safe_dump(merged(on_s3, {"storage": storage, "run": smaller})))
    terminal, run = Terminal(namespace, tmp_path), new_release(NAME, namespace)

    def typed(command: list[str]) -> list[str]:
        found = {
            "berth": namespace,
            "image.repository=REGISTRY/berth": f"image.repository={on_s3['image']['repository']}",
        }
        return [found.get(word, word) for word in command]

    began = now()
    terminal.run([*typed(install), "--values", str(lane)])
    terminal.run(typed(wait))
    with terminal.beside(typed(follow)) as following:
        run.trains(began, 240)
        terminal.run(typed(scale))
        assert run.ended(600) == "Succeeded"
        until(lambda: "EM " in following.read_text(), 30, "the scores in the log", namespace)
    assert "EM " in terminal.run(typed(scores))
    assert set(run.exit_codes().values()) == {0}

    files, folder = s3.files(), f"{s3.bucket}/runs/{NAME}"
    assert files.exists(f"{folder}/squad/model/model.safetensors")
    assert files.glob(f"{folder}/squad/wandb/offline-run-*/*.wandb")
    points = history(files, f"{folder}/pretrain")
    assert [point["step"] for point in points] == list(range(1, STEPS + 1))
    sizes = [int(point["train/world_size"]) for point in points]
    assert [size for index, size in enumerate(sizes) if index == 0 or sizes[index - 1] != size] == [2, 3]

    run.uninstall()
    kinds = "pytorchjobs,pods,services,configmaps,secrets,serviceaccounts,networkpolicies,poddisruptionbudgets,pvc"
    assert get("-n", namespace, kinds, "-l", f"app.kubernetes.io/instance={NAME}") == []
    assert get("-n", namespace, "pods") == []


def test_the_same_from_a_laptop(
    new_release: Callable[..., Release], namespace: str, on_s3: Values, s3: S3, tmp_path: Path
) -> None:
    cluster = tmp_path / "cluster.yaml"
    given = yaml.safe_load(readme("# cluster.yaml").replace("s3://bucket", f"s3://{s3.bucket}/from-a-laptop"))
    address = urlsplit(s3.endpoint)
    lane = {
        "image": on_s3["image"],
        "worker": {"cpu": "100m"},
        "pod": on_s3["pod"],
        "network_policy": {"extra_egress": [{"cidr": f"{address.hostname}/32", "ports": [address.port]}]},
        "run": {**SMALL, "pretrain": {**RUN["pretrain"], "max_steps": 100_000}},
    }
    cluster.write_text(yaml.safe_dump(merged(given, lane)))
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": given["ray_token"]["secret"]}}
    apply({**secret, "stringData": {"token": "0123456789abcdef"}}, namespace=namespace)
    terminal, run, began = Terminal(namespace, tmp_path), new_release(NAME, namespace), now()

    typed = [[str(cluster) if word == "cluster.yaml" else word for word in each] for each in commands("berth doctor  ")]
    doctor, submit, listed, status, logs, events, scale, stop, delete, render = typed
    assert "pytorchjobs.kubeflow.org/v1" in terminal.run(doctor)
    with terminal.beside(submit):
        run.trains(began, 240)
        assert NAME in terminal.run(listed)
        with terminal.beside(status) as watching, terminal.beside(logs) as following:
            assert "nothing holds it back" in terminal.run(events)
            scaled = now()
            assert f"run {NAME}: 4 Worker pods, 4 workers" in terminal.run(scale)
            run.trains(run.told("starting workers: 4", scaled))
            assert "saved" in terminal.run(stop)
    assert not run.pods()
    shown, seen = readme("run  ").splitlines(), watching.read_text().splitlines()
    assert {line.split()[0] for line in shown} <= {line.partition(" ")[0] for line in seen}
    assert "[master-0] pretrain" in following.read_text()
    assert f"run {NAME} is deleted" in terminal.run(delete, answer="y\n")
    assert get("-n", namespace, "pods") == []
    assert "kind: PyTorchJob" in terminal.run(render)
