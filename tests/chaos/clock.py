"""The wall clock of a job's processes, which a fault can set: see clock.c."""

import struct
import subprocess
from pathlib import Path


def own_clock(folder: Path) -> dict[str, str]:
    """Build it into a folder that they see at the same place; the environment of processes that go by it."""
    source = Path(__file__).with_name("clock.c")
    command = ["gcc", "-shared", "-fPIC", "-O2", "-o", str(folder / "clock.so"), str(source), "-ldl"]
    subprocess.run(command, check=True)
    (folder / "clock").touch()
    set_clock(folder, 0)
    return {"LD_PRELOAD": str(folder / "clock.so"), "BERTH_CLOCK": str(folder / "clock")}


def set_clock(folder: Path, seconds: float) -> None:
    """How much it is ahead from now on."""
    with (folder / "clock").open("r+b") as file:  # in place: it is mapped
        file.write(struct.pack("d", seconds))
