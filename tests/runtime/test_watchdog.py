"""Real processes that hang in several ways; those of a real run are in tests/end_to_end/test_watching.py."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.own_time import own_time
from trainer.config.operation import Limits
from trainer.runtime import watchdog
from trainer.runtime.heartbeat import Sign
from trainer.runtime.watchdog import LastWords, Watch, describe, end, keep, patience

SIGN = Sign(0, "a node", 1, 3, "training pretrain", 7, 0.0, steady=True)

HANGING = """\
import os, re, sys, threading, time
from trainer.runtime.heartbeat import Pulse

def work():
    {how}

pulse = Pulse(lambda sign: print(sign.process, sign.stacks, flush=True), rank=0, node="here")
worker = threading.Thread(target=work)
worker.start()
worker.join()
"""

IN_PYTHON = "threading.Event().wait()"
IN_C_WITH_THE_LOCK = "re.match('(a+)+$', 40 * 'a' + 'b')"

Started = tuple[subprocess.Popen[str], tuple[int, int]]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Started]]:
    """A process that hangs in a statement, with its number and the file of its stacks."""
    monkeypatch.setattr(watchdog, "_WRITING", 0.3)
    processes: list[subprocess.Popen[str]] = []

    def begin(how: str) -> Started:
        program = tmp_path / "runtime" / "worker.py"
        program.parent.mkdir(exist_ok=True)
        program.write_text(HANGING.format(how=how))
        process = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout is not None
        number, stacks = map(int, process.stdout.readline().split())
        process.stdout.close()
        time.sleep(0.3)  # until it hangs
        return process, (number, stacks)

    yield begin
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.parametrize("how", [IN_PYTHON, IN_C_WITH_THE_LOCK])
def test_a_process_that_hangs_says_where_and_is_killed(start: Callable[[str], Started], how: str) -> None:
    process, where = start(how)
    [words] = end([where])
    assert process.wait(10) == -signal.SIGKILL
    assert f"    {how}\n" in words.stacks
    assert "in work" in words.stacks
    assert words.where().startswith("is in ")


def test_a_stopped_process_does_not_answer_and_is_killed_too(start: Callable[[str], Started]) -> None:
    process, where = start(IN_PYTHON)
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.1)
    assert end([where]) == [LastWords("T", "")]
    assert process.wait(10) == -signal.SIGKILL


def test_a_process_that_has_gone_is_no_error(start: Callable[[str], Started]) -> None:
    process, where = start(IN_PYTHON)
    process.kill()
    process.wait()
    assert end([where]) == [LastWords("", "")]


def test_those_that_do_not_answer_are_named_first() -> None:
    stacks = 'Thread 0x1 (most recent call first):\n  File "/a/waits.py", line 3 in wait\n\n' + (
        'Thread 0x2 (most recent call first):\n  File "/a/torch.py", line 5 in all_reduce\n'
        '  File "/a/trainer/engine/parallel.py", line 9 in total\n'
        '  File "/a/trainer/runtime/worker.py", line 8 in work\n'
    )
    seen = {0: LastWords("S", stacks), 1: LastWords("T", ""), 2: LastWords("R", "")}
    assert describe(4, seen) == (
        "worker 1 does not answer, its process is stopped; worker 2 does not answer, though it runs; "
        "worker 3 does not answer, nothing is seen of its process; "
        "worker 0 is in all_reduce, called by total (parallel.py:9)"
    )


def test_of_many_workers_some_are_named() -> None:
    assert describe(512, {}).endswith("and 504 more")


def test_a_text_file_is_kept_for_each_worker(tmp_path: Path) -> None:
    said = keep(str(tmp_path), [SIGN, replace(SIGN, rank=1)], {0: LastWords("S", "the stacks\n")})
    [folder] = (tmp_path / "traces").iterdir()
    assert said == f"their stacks are in {folder}"
    first, second = (folder / f"worker-{rank}.txt" for rank in range(2))
    assert "training pretrain; 7 forward passes" in first.read_text()
    assert first.read_text().endswith("\n\nthe stacks\n")
    assert "worker 1, process 1" in second.read_text()
    assert "does not answer" in second.read_text()


def test_storage_that_cannot_be_written_loses_the_stacks_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "traces").write_text("in the way")
    assert keep(str(tmp_path), [SIGN], {}).startswith("their stacks are lost: ")


def test_a_group_that_never_began_leaves_no_stacks(tmp_path: Path) -> None:
    assert keep(str(tmp_path), [], {}) == "no worker has begun, so there are no stacks"
    assert [*tmp_path.iterdir()] == []


def watch(stall_seconds: float) -> Watch:
    return Watch(Limits(stall_minutes=stall_seconds / 60))


def test_workers_that_finish_something_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    time = own_time(monkeypatch, watchdog)
    watched = watch(20)
    for done in range(10):
        assert not watched.stalled([SIGN, replace(SIGN, rank=1, done=done)], heard=False)
        time.sleep(4)


def test_a_word_is_a_sign_of_life_too(monkeypatch: pytest.MonkeyPatch) -> None:
    time = own_time(monkeypatch, watchdog)
    watched = watch(20)
    for _ in range(10):
        assert not watched.stalled([SIGN], heard=True)
        time.sleep(4)


def test_when_nobody_finishes_anything_it_is_a_stall(monkeypatch: pytest.MonkeyPatch) -> None:
    time = own_time(monkeypatch, watchdog)
    watched = watch(10)
    assert not watched.stalled([SIGN], heard=False)
    time.sleep(15)
    assert watched.stalled([SIGN], heard=False)


def test_slow_steps_and_beginnings_have_more_time() -> None:
    watched = watch(60)
    assert watched.allowed == 360
    watched.stalled([SIGN, replace(SIGN, rank=1, steady=False)], heard=False)
    assert watched.allowed == 360 == patience(Limits(stall_minutes=1))
    watched.stalled([SIGN, replace(SIGN, rank=1, slowest=1)], heard=False)
    assert watched.allowed == 60
    watched.stalled([SIGN, replace(SIGN, rank=1, slowest=30)], heard=False)
    assert watched.allowed == 600
