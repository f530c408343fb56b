from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes.config import kube_config

from tests.launch.api import Server, played
from trainer.launch.cluster import Cluster


@pytest.fixture
def api() -> Iterator[Server]:
    with played() as server:
        yield server


@pytest.fixture
def cluster(api: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Whose API server is the played one."""
    # the client reads KUBECONFIG once, when it is imported
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(api.kubeconfig(tmp_path)))
    return Cluster.connect()
