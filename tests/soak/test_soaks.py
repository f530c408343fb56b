"""Each soak, so short that it only shows that it works: `make soak` goes on for hours."""

from pathlib import Path

import pytest

from tests.s3_server import BUCKET, serving
from tests.soak import checkpoints, corpus, training


def test_of_fifty_checkpoints_in_a_folder_the_newest_and_the_best_stay(tmp_path: Path) -> None:
    assert checkpoints.soak(str(tmp_path), 50) == []


def test_a_file_that_is_left_beside_the_checkpoints_is_found(tmp_path: Path) -> None:
    (tmp_path / "left.tmp").touch()
    assert "25 files instead of 24" in " ".join(checkpoints.soak(str(tmp_path), 8))


@pytest.mark.slow
def test_of_twenty_checkpoints_on_s3_the_newest_and_the_best_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BERTH_CACHE", str(tmp_path))
    with serving():
        assert checkpoints.soak(f"{BUCKET}/checkpoints", 20) == []


@pytest.mark.slow
def test_a_hundred_files_are_a_hundred_documents() -> None:
    assert corpus.soak(files=100, minutes=0.05) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_driver_and_the_workers_are_watched_while_they_train() -> None:
    problems = [problem for problem in training.soak(minutes=0.3) if "MiB more" not in problem]
    assert problems == [], "whether they grow is not to be told in so short a time"
