"""`berth run --pods` beside the same job on real nodes with the real operator: what a pod sees, and what it trains."""

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from fsspec.implementations.local import LocalFileSystem

from tests.cluster.conftest import S3
from tests.cluster.kubectl import kubectl, until
from tests.cluster.release import Release, Values, history, merged, now, values, written
from tests.end_to_end.berth import Berth, below

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600, func_only=True)]

NAME = "alike"
STEPS = 50
RUN: Values = {"pretrain": {"max_steps": STEPS, "precision": "fp32"}, "scaling": {"num_workers": 2}}
OF_THE_PLACE = re.compile("PATH|POD_IP|AWS_.*|KUBERNETES_.*")
"""Variables of programs' folders, addresses, and Secrets, which no local pod gets."""
TRAINED = ("step", "train/tokens", "train/mlm_loss", "train/nsp_loss", "train/grad_norm")
"""Which samples a step has, and what they give: another one would have other losses."""
PODS = ("master-0", "worker-0", "worker-1")


def shared(environment: str) -> dict[str, str]:
    """What has to be alike, of a file such as /proc/1/environ."""
    variables = dict(line.split("=", 1) for line in environment.split("\0") if line)
    return {name: value for name, value in sorted(variables.items()) if not OF_THE_PLACE.fullmatch(name)}


def seen_locally(pod: int) -> dict[str, str] | None:
    """The environment of the container's process in a pod, whose own process has this number; None before it runs."""
    for process, command in below(pod, lambda process: (process.pid, process.cmdline())):
        if command[1:4] == ["-m", "trainer", "pod"]:
            return shared(Path(f"/proc/{process}/environ").read_text())
    return None


def test_a_job_sees_and_trains_the_same_on_pods_of_this_machine(
    release: Callable[[str], Release], on_s3: Values, image: str, s3: S3, tmp_path: Path
) -> None:
    began = now()
    run = release(NAME).install(merged(on_s3, {"workers": 2, "run": RUN}))
    run.told("starting workers", began, 200)
    read = ("exec", "-n", run.namespace, "-c", "pytorch")
    on_cluster = {pod: shared(kubectl(*read, f"{NAME}-{pod}", "--", "cat", "/proc/1/environ")) for pod in PODS}
    assert run.ended(200) == "Succeeded"

    file, others = written(tmp_path, NAME, values(image, run=RUN))
    local = Berth(tmp_path, "run", "--pods", "3", file, "--values", others)
    try:
        started = {pod: int(local.wait_to_hear(rf"{pod} has started, process (\d+)")[1]) for pod in PODS}
        here = {pod: until(partial(seen_locally, number), 60, f"{pod} runs") for pod, number in started.items()}
        code, said = local.wait(200)
        assert code == 0, said
    finally:
        local.end()
    assert here == on_cluster

    places = (s3.files(), f"{s3.bucket}/runs/{NAME}"), (LocalFileSystem(), str(tmp_path / "runs" / NAME))
    corpora = [json.loads(files.cat(f"{folder}/corpus/corpus.json")) for files, folder in places]
    assert corpora[0] == corpora[1]
    curves = [history(files, f"{folder}/pretrain") for files, folder in places]
    assert [[point[name] for name in TRAINED] for point in curves[0]] == [
        [point[name] for name in TRAINED] for point in curves[1]
    ]
    assert len(curves[0]) == STEPS
