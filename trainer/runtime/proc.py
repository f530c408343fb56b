"""What the kernel says of this machine and its processes, in /proc."""

from pathlib import Path


def boot_id() -> str:
    """Names this start of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def process_stat(process: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the third on, the state; none where there is no such process. man 5 proc."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(errors="replace")
    except OSError:
        return []
    return stat.rpartition(") ")[2].split()  # the name before it stands in brackets and may hold anything
