"""One node: what runs on it, its GPUs, and what room it has."""

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

import torch
from torch.cuda import nccl

import trainer
from trainer import storage
from trainer.runtime.preflight.findings import Gpu, Machine

_SLOWED = ("hw_slowdown", "hw_thermal_slowdown", "hw_power_brake_slowdown", "sw_thermal_slowdown")
_FIELDS = (
    "name",
    "memory.total",
    "memory.used",
    "ecc.errors.uncorrected.volatile.total",
    *(f"clocks_event_reasons.{reason}" for reason in _SLOWED),
)


def look(run_folder: str) -> Machine:
    """This node as it is now; the folder is the run's, which may be on its disk."""
    folder = storage.local_path(run_folder) if storage.is_local(run_folder) else storage.cache_folder()
    ray_disk = shutil.disk_usage(_there(Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir())))
    return Machine(
        versions=_versions(),
        gpus=look_at_gpus() if torch.cuda.is_available() else (),
        shm_free=shutil.disk_usage("/dev/shm").free,
        folder=str(folder),
        disk_free=shutil.disk_usage(_there(folder)).free,
        ray_disk_used=1 - ray_disk.free / ray_disk.total,
        memory=_memory(),
    )


def look_at_gpus() -> tuple[Gpu, ...]:
    """What nvidia-smi says of the GPUs that this node may use; nothing where it is not installed or does not answer."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    only = [f"--id={visible}"] if visible else []
    command = ["nvidia-smi", f"--query-gpu={','.join(_FIELDS)}", "--format=csv,noheader,nounits", *only]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=15).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(_gpu(line) for line in answer.splitlines())


def _gpu(line: str) -> Gpu:
    name, total, used, errors, *slowed = [cell.strip() for cell in line.split(",")]
    return Gpu(
        name=name,
        memory_mib=_number(total),
        used_mib=_number(used),
        uncorrected_errors=_number(errors),
        slowed=tuple(reason for reason, state in zip(_SLOWED, slowed, strict=True) if state == "Active"),
    )


def _number(cell: str) -> int | None:
    return int(cell) if cell.isdecimal() else None  # "[N/A]" where a GPU does not count it


def _versions() -> dict[str, str]:
    found = {
        "berth": f"{version('berth')} ({_source()})",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "ray": version("ray"),
        "cpu": platform.machine(),
    }
    if torch.cuda.is_available():
        found["cuda"] = str(torch.version.cuda)
        found["nccl"] = ".".join(map(str, nccl.version()))
        found["driver"] = _driver()
        found["gpu"] = torch.cuda.get_device_name()
    return found


def _source() -> str:
    """The code itself, for a version says little while it is worked on."""
    root = Path(trainer.__file__).parent
    code = hashlib.sha256()
    for file in sorted(root.rglob("*.py")):
        code.update(file.read_bytes())
    return code.hexdigest()[:8]


def _driver() -> str:
    try:
        return Path("/sys/module/nvidia/version").read_text().strip()
    except OSError:
        return "unknown"


def _there(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _memory() -> int:
    built_in = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()  # "max" where there is none
    except OSError:
        return built_in
    return min(int(limit), built_in) if limit.isdecimal() else built_in
