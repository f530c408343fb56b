"""Nothing is installed that is not pinned by its hash, and the locks say the same as pyproject.toml and each other."""

import re
import tomllib
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.supply_chain.locks import ROOT, entries, pinned

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = sorted(ROOT.glob("requirements*.txt"))
INSTALLERS = [ROOT / "Makefile", ROOT / "images/trainer/Dockerfile", ROOT / ".ci/run"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_each_entry_is_one_version_with_hashes_and_no_address(lock: Path) -> None:
    for requirement, hashes in entries(lock):
        assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), requirement
        assert requirement.url is None
        assert hashes, requirement
        assert all(re.fullmatch(r"\s*sha256:[0-9a-f]{64}\s*", digest) for digest in hashes), requirement


def test_whatever_is_installed_is_checked_by_its_hash() -> None:
    lines = "".join(path.read_text() for path in INSTALLERS).splitlines()
    installing = [line for line in lines if re.search(r"\bpip install", line)]
    ours = [line for line in installing if "--no-deps" in line and "--no-build-isolation" in line]
    assert (len(installing), len(ours)) == (7, 2)
    assert [line for line in installing if line not in ours and "--require-hashes -r" not in line] == []


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.txt", PROJECT["project"]["dependencies"]),
        ("requirements-dev.txt", PROJECT["dependency-groups"]["dev"]),
        ("requirements-dev.txt", chain(*PROJECT["project"]["optional-dependencies"].values())),
        ("requirements-sbom.txt", PROJECT["dependency-groups"]["sbom"]),
    ],
)
def test_what_the_project_asks_for_is_locked(lock: str, wanted: Iterable[str]) -> None:
    names = {canonicalize_name(Requirement(line).name) for line in wanted}
    assert names <= {name for name, _ in pinned(lock)}


@pytest.mark.parametrize("lock", [lock.name for lock in LOCKS])
def test_a_package_has_the_same_version_in_all_locks(lock: str) -> None:
    development = pinned("requirements-dev.txt")
    shared = {name for name, _ in development}
    assert {(name, version) for name, version in pinned(lock) if name in shared} <= development


def test_a_developer_has_all_that_a_pod_runs() -> None:
    assert pinned("requirements.txt") <= pinned("requirements-dev.txt")
