"""What all tests share: where the real data lies, and quiet, small, local settings for Ray and torch."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "2")

settings.register_profile("berth", deadline=None)  # a busy machine is no failure
settings.load_profile("berth")


@pytest.fixture(autouse=True)
def _no_wandb_of_another_test() -> None:
    """W&B names its own process to others by this variable, and a test that puts its environment back may put back one
    that has ended: whoever finds it there, records nothing.
    """
    os.environ.pop("WANDB_SERVICE", None)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data (SQuAD, books, a Wikipedia dump, BERT's vocabulary)."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("BERTH_TEST_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"needs the real data, and {folder} is absent; set BERTH_TEST_DATA to where it lies")
    return folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mounts a real file system of some KiB: `small_disk(64)`."""
    mounted: list[Path] = []

    def mount(kib: int) -> Path:
        disk = tmp_path / "disk"
        disk.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(disk)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            pytest.skip(f"needs a small file system, and mounting one is not allowed here: {result.stderr.strip()}")
        mounted.append(disk)
        return disk

    yield mount
    for disk in mounted:
        subprocess.run(["umount", str(disk)], check=True)
