"""What Berth needs around it, looked for one by one: programs, cluster, operator, rights, W&B, storage.

Nothing is changed, but for a small file that is written to the storage of a run, if one is given, and removed. A part
of the cluster is only asked about where the one before it was found.
"""

import netrc
import os
import platform
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

import wandb

from trainer import storage
from trainer.errors import InputError
from trainer.launch import operator, rights
from trainer.launch.cluster import Cluster
from trainer.launch.finding import Finding


def findings(context: str | None, namespace: str | None, place: str | None) -> Iterator[Finding]:
    """Look for everything, in this order.

    Args:
        context: of kubeconfig; None: its current one.
        namespace: None: the context's.
        place: URI of a folder that a run will write to; None: none is tried.
    """
    yield from _packages()
    yield _gpus()
    yield from _cluster(context, namespace)
    yield _helm()
    yield _wandb()
    if place is not None:
        yield _storage(place)


def _packages() -> Iterator[Finding]:
    yield Finding("python", "ok", platform.python_version())
    for name in ("torch", "ray"):
        try:
            yield Finding(name, "ok", version(name))
        except PackageNotFoundError:
            yield Finding(
                name, "unsure", "not installed", "runs train on a cluster only; `pip install berth` brings it"
            )


def _gpus() -> Finding:
    """In a process of its own, so that torch is not loaded into this one."""
    if shutil.which("nvidia-smi") is None:
        return Finding("gpus", "ok", "none here; runs of this machine use its CPUs")
    code = "import torch; print(*(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())), sep=', ')"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    names = result.stdout.strip()
    if result.returncode or not names:
        return Finding(
            "gpus", "unsure", "torch sees none", "compare `nvidia-smi` with the CUDA that torch was built for"
        )
    return Finding("gpus", "ok", names)


def _cluster(context: str | None, namespace: str | None) -> Iterator[Finding]:
    try:
        cluster = Cluster.connect(context, namespace)
        with cluster.asked("the cluster's version"):
            found = cluster.read("/version")
    except InputError as error:
        yield Finding("cluster", "broken", f"{error.where}: {error.problem}", error.remedy)
        return
    yield Finding("cluster", "ok", f"context {cluster.context}, namespace {cluster.namespace}")
    yield _kubernetes(found["gitVersion"], int(found["major"]), int(found["minor"].rstrip("+")))
    for check, look in (("pytorchjobs", operator.served), ("operator", operator.installed), ("rights", rights.missing)):
        try:
            verdict, text, remedy = look(cluster)
        except InputError as error:
            verdict, text, remedy = "unsure", f"{error.where}: {error.problem}", error.remedy
        yield Finding(check, verdict, text, remedy)


def _kubernetes(text: str, major: int, minor: int) -> Finding:
    if (major, minor) < (1, 31):
        return Finding("kubernetes", "broken", text, "charts/berth needs 1.31 or later")
    return Finding("kubernetes", "ok", text)


def _helm() -> Finding:
    path = shutil.which("helm")
    if path is None:
        return Finding(
            "helm", "unsure", "not on PATH", "runs are then created without a release, which `helm ls` lacks"
        )
    result = subprocess.run([path, "version", "--short"], capture_output=True, text=True, check=False)
    return Finding("helm", "ok", result.stdout.strip() or path)


def _wandb() -> Finding:
    host = wandb.setup().settings.base_url.rpartition("//")[2]
    if os.environ.get("WANDB_API_KEY"):
        return Finding("wandb", "ok", "a key in WANDB_API_KEY")
    try:
        known = netrc.netrc().authenticators(host)
    except (OSError, netrc.NetrcParseError):
        known = None
    if known:
        return Finding("wandb", "ok", f"a key for {host} in .netrc")
    return Finding(
        "wandb", "unsure", f"no key for {host}", "runs are recorded offline; `wandb login` to show them there"
    )


def _storage(place: str) -> Finding:
    probe = storage.join(place, f"berth-doctor-{uuid.uuid4().hex}")
    try:
        storage.write_text(probe, probe)
        same = storage.read_text(probe) == probe
        storage.remove(probe)
    except InputError as error:
        return Finding("storage", "broken", f"{error.where}: {error.problem}", error.remedy)
    if not same:
        return Finding("storage", "broken", f"{place}: what was written is read otherwise", "use another storage")
    return Finding("storage", "ok", f"{place}: written, read and removed a file")
