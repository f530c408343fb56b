"""The newest point of a run's curves as annotations of its PyTorchJob, for who may `kubectl get` and no more.

In: the records that the display shows. Out: `berth/stage`, `berth/step`, `berth/steps`, `berth/workers`, `berth/loss`,
each half minute and at a stage's end. Only where the chart's `job.progress_annotations` grants the Master the right.
"""

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from kubernetes import client
from kubernetes.client import ApiException
from kubernetes.config import ConfigException
from kubernetes.config.incluster_config import InClusterConfigLoader
from urllib3.exceptions import HTTPError

VARIABLE = "BERTH_ANNOTATED_JOB"
"""Names the PyTorchJob; the chart sets it."""
GRANTED = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a kubelet puts a ServiceAccount's token."""
EVERY = 30.0
"""Seconds between two points; more would be work for the operator, which looks at a job whenever it changes."""
_PATIENCE = (2.0, 5.0)
"""Seconds for a connection, and for an answer."""


class Annotations:
    """Of one job. Training waits for none of them."""

    def __init__(self, job: str, granted: Path = GRANTED) -> None:
        self._job = job
        self._granted = granted
        self._due = 0.0
        self._writing: threading.Thread | None = None
        self._failure = ""
        self._told = False

    @classmethod
    def granted(cls) -> "Annotations | None":
        """Of the job that this pod belongs to, where the chart grants them."""
        job = os.environ.get(VARIABLE)
        return cls(job) if job else None

    def training(self, stage: str, step: int, steps: int, record: Mapping[str, float]) -> str:
        """A point of a stage's curves. Says once why the job cannot be annotated; else nothing."""
        if step == steps or time.monotonic() >= self._due:
            self._due = time.monotonic() + EVERY
            point = {"stage": stage, "step": step, "steps": steps}
            named = {"workers": "train/world_size", "loss": "train/loss"}
            point |= {name: f"{record[of]:.6g}" for name, of in named.items() if of in record}
            self._writing = threading.Thread(target=self._write, args=(point, self._writing))
            self._writing.start()
        if self._failure and not self._told:
            self._told = True
            return f"PyTorchJob {self._job} gets no progress annotations: {self._failure}"
        return ""

    def _write(self, point: Mapping[str, object], before: threading.Thread | None) -> None:
        if before:
            before.join()
        change = {"metadata": {"annotations": {f"berth/{name}": str(value) for name, value in point.items()}}}
        try:
            job = ("kubeflow.org", "v1", (self._granted / "namespace").read_text(), "pytorchjobs", self._job)
            self._api().patch_namespaced_custom_object(*job, change, _request_timeout=_PATIENCE)
        except (ApiException, HTTPError, ConfigException, OSError) as error:
            self._failure = f"{error.status} {error.reason}" if isinstance(error, ApiException) else str(error)

    def _api(self) -> client.CustomObjectsApi:
        """With the token as it is now: a kubelet replaces it each hour."""
        token, authority = (self._granted / name for name in ("token", "ca.crt"))
        settings = client.Configuration()
        vars(settings)["retries"] = 0
        InClusterConfigLoader(str(token), str(authority)).load_and_set(settings)
        return client.CustomObjectsApi(client.ApiClient(settings))
