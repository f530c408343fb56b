from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.launch.api import Server, choose_server, played
from trainer.launch.cluster import Cluster


@pytest.fixture
def api() -> Iterator[Server]:
    with played() as server:
        yield server


@pytest.fixture
def cluster(api: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Whose API server is the played one."""
    choose_server(api.port, tmp_path, monkeypatch)
    return Cluster.connect()
