"""A whole run on a real S3 server behind a proxy that answers 503 for a minute."""

import time
from pathlib import Path

import pytest
import s3fs

from tests.end_to_end.berth import until
from tests.end_to_end.conftest import Start, new_folder
from tests.end_to_end.test_interruptions import assert_same_result
from tests.faulty_s3 import FaultyS3
from trainer import storage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_storage_that_is_busy_for_a_minute_costs_no_step_and_changes_no_bit(
    berth: Start, undisturbed: Path, faulty: FaultyS3, tmp_path: Path
) -> None:
    folder = new_folder(tmp_path / "busy")
    run = berth(folder, "run", "tiny.yaml", "storage=s3://bucket")
    until(lambda: bool(storage.matching("s3://bucket/tiny/pretrain/checkpoints/*/complete.json")))
    faulty.misbehave("slow_down", share=1, in_a_row=10**6)
    time.sleep(60)
    assert not run.ended
    assert faulty.injected["slow_down"] > 10
    faulty.misbehave()
    code, output = run.wait()
    assert code == 0, output
    assert "it is tried again" in output
    assert "start again" not in output  # the workers went on, or waited: no step was done twice
    s3fs.S3FileSystem().get("s3://bucket/tiny/", str(folder / "runs" / "tiny"), recursive=True)
    assert_same_result(folder, undisturbed)
