"""Processes that start in no time: torch and what the tests of groups need is imported once, then forked."""

import socket

from torch import multiprocessing

forked = multiprocessing.get_context("forkserver")
forked.set_forkserver_preload(["trainer.runtime.preflight.check", "trainer.tasks.pretrain", "trainer.engine.loop"])


def meeting_place(address: str = "127.0.0.1") -> str:
    """Where a process group can meet: a port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"tcp://{address}:{free.getsockname()[1]}"
