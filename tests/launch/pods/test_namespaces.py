"""What a machine that cannot do it is told; a real run is in test_local_run.py."""

import sys

import pytest

from trainer.errors import InputError
from trainer.launch.pods import namespaces


def test_another_system_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(InputError, match=r"^--pods: needs Linux, and this is "):
        namespaces.enter()


def test_programs_that_lack_are_named_with_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(
        InputError, match=r"^--pods: needs hostname, ip, unshare, .*; `sudo apt-get install bash hostname iproute2 "
    ):
        namespaces.enter()
