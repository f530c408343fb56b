"""Printed inside a pod, as JSON: what its image holds. It needs nothing but Python."""

import json
import os
import shutil
import stat
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

UNNEEDED = ("pip", "pip3", "uv", "uvx", "git", "curl", "wget", "ssh", "make", "g++", "gdb", "pytest", "ruff")
CACHES = ("/var/cache/apt/archives", "/var/lib/apt/lists", "/opt/berth/.cache", "/tools", "/source", "/installer")


def listed(name: str) -> dict[str, str]:
    """The packages of a list that the image brings along, with their versions."""
    components = json.loads(Path("/opt/berth/share/sbom", name).read_text())["components"]
    binary = [one for one in components if "arch=source" not in one.get("purl", "")]
    return {one["name"]: one["version"] for one in binary}


def writable() -> list[str]:
    found = (path for path in Path("/opt/berth").rglob("*") if not path.is_symlink())
    return [str(path) for path in found if os.access(path, os.W_OK)]


def raising() -> list[str]:
    """Programs that run as another user than who starts them."""
    found = (path for folder in ("/usr", "/opt") for path in Path(folder).rglob("*") if path.is_file())
    return [str(path) for path in found if path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID)]


query = ["dpkg-query", "-W", "-f", "${Package} ${Version}\\n"]
dpkg = subprocess.run(query, stdout=subprocess.PIPE, text=True, check=True).stdout
json.dump(
    {
        "python": {one.metadata["Name"]: one.version for one in distributions()},
        "debian": dict(line.split() for line in dpkg.splitlines()),
        "listed": {"python": listed("python.cdx.json"), "debian": listed("debian.cdx.json")},
        "unneeded": [name for name in UNNEEDED if shutil.which(name)],
        "cached": [str(path) for cache in CACHES for path in Path(cache).rglob("*") if path.is_file()],
        "writable": writable(),
        "raising": raising(),
    },
    sys.stdout,
)
