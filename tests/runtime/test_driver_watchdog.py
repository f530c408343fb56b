"""Real processes: what the alarm ends is the whole process."""

import subprocess
import sys
import time
from pathlib import Path

from trainer.errors import Stalled

HANGING = """\
import os
from trainer.runtime.driver_watchdog import alarm

def wait_for_storage(path):
    with open(path) as stream:  # nobody writes
        stream.read()

with alarm(0.5):
    wait_for_storage({pipe!r})
"""

AT_WORK = """\
import time
from trainer.runtime.driver_watchdog import alarm

begin = time.process_time()
with alarm(1.2):
    while time.process_time() - begin < 2:
        pass
with alarm(0.5) as bell:
    bell.within(60)
    time.sleep(1.5)
with alarm(0.5):
    pass
time.sleep(1.5)
"""


def run(program: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)


def test_a_driver_that_hangs_is_ended_and_says_where(tmp_path: Path) -> None:
    program, pipe = tmp_path / "trainer" / "hanging.py", tmp_path / "pipe"
    subprocess.run(["mkfifo", str(pipe)], check=True)
    program.parent.mkdir()
    program.write_text(HANGING.format(pipe=str(pipe)))
    begin = time.monotonic()
    ended = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path.parent
    )
    assert ended.returncode == Stalled.exit_code, ended.stderr
    assert ended.stderr.splitlines()[-1] == (
        "berth: the driver hangs, for 0.00833 minutes by now, in wait_for_storage "
        "(with open(path) as stream:  # nobody writes); "
        "the same command continues from the last checkpoint"
    )
    assert time.monotonic() - begin < 30


def test_a_driver_that_computes_or_comes_back_is_left_alone() -> None:
    ended = run(AT_WORK)
    assert (ended.returncode, ended.stderr) == (0, "")
