"""The requirements*.txt of the root."""

import re
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def entries(lock: Path) -> list[tuple[Requirement, list[str]]]:
    """The requirements of a lock, each with its hashes."""
    text = re.sub(r"^\s*#.*\n", "", lock.read_text(), flags=re.MULTILINE).replace("\\\n", "")
    parts = [line.split(" --hash=") for line in text.splitlines()]
    return [(Requirement(requirement), hashes) for requirement, *hashes in parts]


def pinned(name: str) -> set[tuple[str, str]]:
    """The names and versions of a lock; a package may have another version for another Python."""
    found = (requirement for requirement, _ in entries(ROOT / name))
    return {(canonicalize_name(one.name), str(one.specifier).removeprefix("==")) for one in found}
