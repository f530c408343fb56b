"""The wall clock of a job's processes, which a fault can set: see clock.c."""

import struct
import subprocess
from pathlib import Path

from tests.chaos.pods import INSIDE


def own_clock(folder: Path) -> dict[str, str]:
    """Build it into the folder; the environment of processes that go by it."""
    source = Path(__file__).with_name("clock.c")
    command = ["gcc", "-shared", "-fPIC", "-O2", "-o", str(folder / "clock.so"), str(source), "-ldl"]
    subprocess.run(command, check=True)
    (folder / "clock").touch()
    set_clock(folder, 0)
    return {"LD_PRELOAD": f"{INSIDE}/clock.so", "BERTH_CLOCK": f"{INSIDE}/clock"}


def set_clock(folder: Path, seconds: float) -> None:
    """How much it is ahead from now on."""
    with (folder / "clock").open("r+b") as file:  # in place: it is mapped
        file.write(struct.pack("d", seconds))
