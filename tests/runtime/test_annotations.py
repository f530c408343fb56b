"""Where no API server answers; tests/cluster/test_progress_annotations.py has a real one."""

import time
from pathlib import Path

import pytest

from trainer.runtime.annotations import VARIABLE, Annotations


def test_a_pod_that_is_granted_none_annotates_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert Annotations.granted() is None


def test_a_job_without_an_api_server_is_said_once_and_not_waited_for(tmp_path: Path) -> None:
    annotations = Annotations("my-run", tmp_path)
    deadline = time.monotonic() + 30
    told = ""
    while not told and time.monotonic() < deadline:
        told = annotations.training("pretrain", 5, 5, {})
        time.sleep(0.05)
    assert told.startswith("PyTorchJob my-run gets no progress annotations: ")
    assert annotations.training("pretrain", 5, 5, {}) == ""
