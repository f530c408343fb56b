"""The curves as Prometheus reads them: the newest point of each stage, at /metrics of the Master's pod.

In: the records that the display shows. Out: gauges such as `berth_train_loss{stage="pretrain"}`, `berth_step`. That a
run stands still is seen by a step that does not move, that it saves no more by
`time() - berth_checkpoint_timestamp_seconds`, which is right to a point of the curve.
"""

import time
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Gauge, start_http_server

PORT = 6386


class Metrics:
    """The gauges of a run. Listens only if told to."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._gauges: dict[str, Gauge] = {}
        self._saved: tuple[str, float] | None = None

    def listen(self, port: int = PORT) -> int:
        """Answer at a port of every address; 0 takes a free one. The port."""
        server, _ = start_http_server(port, registry=self.registry)
        return server.server_port

    def training(self, stage: str, step: int, steps: int, record: Mapping[str, float]) -> None:
        """A point of a stage's curves."""
        for name, value in {"steps": steps, **record, "step": step}.items():
            self._gauge(f"berth_{name.replace('/', '_')}").labels(stage).set(value)
        if "checkpoint/step" in record and self._saved != (stage, record["checkpoint/step"]):
            self._saved = stage, record["checkpoint/step"]
            self._gauge("berth_checkpoint_timestamp_seconds").labels(stage).set(time.time())

    def _gauge(self, name: str) -> Gauge:
        if name not in self._gauges:
            self._gauges[name] = Gauge(name, "The newest point of a stage's curve.", ["stage"], registry=self.registry)
        return self._gauges[name]
