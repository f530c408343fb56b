"""A command on input that is too much, in a process of its own whose memory is measured."""

import multiprocessing
import os
import resource
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from click.testing import CliRunner

from trainer.cli import main

_MIB = 1 << 20
_MOST = 4 << 30
"""Bytes that the process may have beyond what it begins with, so that an attack that succeeds fells the test alone."""
_LOADED = [
    "trainer.cli",
    "trainer.tasks.export",
    "trainer.runtime.driver",
    "trainer.runtime.inputs",
    "trainer.launch.submission",
]


def refusal(*arguments: str, most: int, seconds: float = 300) -> str:
    """The one line with which a command refuses its input, within `most` MiB beyond what it has when it starts.

    What it imports is there already: each process is forked from one that has it.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_LOADED)
    with ProcessPoolExecutor(1, context, max_tasks_per_child=1) as pool:
        code, line, grown = pool.submit(_run, arguments, str(Path.cwd())).result(seconds)
    assert code == 2, line
    assert grown <= most, f"{grown:.0f} MiB: {line}"
    assert len(line.splitlines()) == 1, line
    assert len(line) < 2000, "not a line that one reads"
    return line.removeprefix("berth: ").rstrip()


def _run(arguments: tuple[str, ...], folder: str) -> tuple[int, str, float]:
    os.chdir(folder)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (_data() + _MOST, hard))
    before = _peak()
    result = CliRunner().invoke(main, arguments)
    said = result.stderr if isinstance(result.exception, SystemExit) else repr(result.exception)
    return result.exit_code, said, (_peak() - before) / _MIB


def _peak() -> int:
    """Bytes."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _data() -> int:
    """Bytes that count against RLIMIT_DATA."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        return int(file.read().split()[5]) * resource.getpagesize()
