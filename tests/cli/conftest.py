from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.launch.api import Server, choose_server, played


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A played API server, which kubeconfig names."""
    with played() as server:
        choose_server(server.port, tmp_path, monkeypatch)
        yield server
