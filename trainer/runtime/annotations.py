"""The newest point of a run's curves as annotations of its PyTorchJob, for who may `kubectl get` and no more.

In: the records that the display shows. Out: `berth/stage`, `berth/step`, `berth/steps`, `berth/workers`, `berth/loss`,
each half minute and at a stage's end. Only where the chart's `job.progress_annotations` grants the Master the right.
"""

import json
import os
import ssl
import threading
import time
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

VARIABLE = "BERTH_ANNOTATED_JOB"
"""Names the PyTorchJob; the chart sets it."""
GRANTED = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a kubelet puts a ServiceAccount's token."""
EVERY = 30.0
"""Seconds between two points; more would be work for the operator, which looks at a job whenever it changes."""
_PATIENCE = 5.0
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
            self._patch(json.dumps(change).encode())
        except (OSError, HTTPException) as error:
            self._failure = str(error)

    def _patch(self, change: bytes) -> None:
        """By HTTP alone: the Kubernetes client, which the image has not, would bring a dozen packages for this call."""
        namespace = (self._granted / "namespace").read_text()
        token = (self._granted / "token").read_text()  # as it is now: a kubelet replaces it each hour
        host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
        server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
        job = f"{server}/apis/kubeflow.org/v1/namespaces/{namespace}/pytorchjobs/{self._job}"
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/merge-patch+json"}
        trusted = HTTPSHandler(context=ssl.create_default_context(cafile=str(self._granted / "ca.crt")))
        request = Request(job, change, headers, method="PATCH")
        with build_opener(trusted, ProxyHandler({})).open(request, timeout=_PATIENCE):
            pass
