"""What all tests share: where the real data lies, and quiet, small, local settings for Ray and torch."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "2")

settings.register_profile("berth", deadline=None)  # a busy machine is no failure
settings.load_profile("berth")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data (SQuAD, books, a Wikipedia dump, BERT's vocabulary)."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("BERTH_TEST_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"needs the real data, and {folder} is absent; set BERTH_TEST_DATA to where it lies")
    return folder
