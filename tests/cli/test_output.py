"""The command as a process, whose output goes somewhere."""

import subprocess
import sys
from pathlib import Path

BERTH = (sys.executable, "-m", "trainer")


def test_a_full_disk_behind_the_output_is_said_in_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run([*BERTH, "recipes"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr == "berth: no space is left where this was written to; make room and repeat the command\n"


def test_a_reader_that_goes_away_is_no_error() -> None:
    shell = f"{sys.executable} -m trainer recipes | head -1"
    result = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=True)
    assert (result.stdout, result.stderr) == ("bert-base-original\n", "")
