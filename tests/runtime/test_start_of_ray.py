"""A Ray that does not start is one line, not a traceback. Each case is a process of its own, and Ray a real one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trainer.errors import InputError, Stalled

RUN = "from trainer import cli; cli.main(['run', 'quickstart', 'world.towns=60', 'world.dev_towns=8'])"


def ended(program: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("RAY_")} | environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_a_path_that_is_too_long_for_ray_is_told(tmp_path: Path) -> None:
    long = tmp_path / ("long" * 25)
    long.mkdir()
    run = ended(RUN, tmp_path, RAY_TMPDIR=str(long))
    assert run.returncode == InputError.exit_code
    told = run.stderr.splitlines()[-1]
    assert told.startswith("berth: Ray: it cannot start: ")
    assert f"path length cannot exceed 107 bytes: {long}" in told
    assert told.endswith("; mend that; RAY_TMPDIR, if it is set, is its folder")
    assert "Traceback" not in run.stderr


@pytest.mark.slow
def test_a_ray_that_does_not_answer_in_time_is_told(tmp_path: Path) -> None:
    # Imported this early it was told of no token, so its own server, which is, never lets it in.
    run = ended(f"import ray; {RUN}", tmp_path)
    assert run.returncode == Stalled.exit_code
    told = run.stderr.splitlines()[-1]
    assert told == "berth: Ray did not start: Failed to start GCS; try again, with less at work on this machine"
    assert "Traceback" not in run.stderr
