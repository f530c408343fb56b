"""What made a run: recorded beside its curves, so that it can be made again."""

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

IMAGE = "BERTH_IMAGE"
"""The image of a pod, which the chart sets."""

_ROOT = Path(__file__).parents[2]
"""Of the checkout, where the package lies in one."""


def versions() -> dict[str, str]:
    """Of the packages that compute and record."""
    return {name: metadata.version(name) for name in ("torch", "ray", "wandb")}


def origin() -> dict[str, str | None]:
    """Versions, the commit of a checkout, the image of a pod; None where there is none."""
    own = {"python": platform.python_version(), "berth": metadata.version("berth")}
    return {**own, **versions(), "commit": _commit(), "image": os.environ.get(IMAGE)}


def _commit() -> str | None:
    """With `-dirty` behind it where a file was changed since."""
    if not (_ROOT / ".git").exists():  # installed, perhaps within a checkout of something else
        return None
    command = ["git", "-C", str(_ROOT), "describe", "--always", "--exclude=*", "--dirty", "--abbrev=40"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
