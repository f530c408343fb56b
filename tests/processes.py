"""Processes that start in no time: torch and what the tests of groups need is imported once, then forked."""

from torch import multiprocessing

from tests.ports import free_port

forked = multiprocessing.get_context("forkserver")
forked.set_forkserver_preload(["trainer.runtime.preflight.check", "trainer.tasks.pretrain", "trainer.engine.loop"])


def meeting_place(address: str = "127.0.0.1") -> str:
    """Where a process group can meet: a port that is free."""
    return f"tcp://{address}:{free_port()}"
