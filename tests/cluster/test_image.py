"""What a pod finds in the image: what is locked, what its own lists say, and nothing that only the build needed."""

import json
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from tests.cluster.kubectl import apply
from tests.cluster.test_security import ended, stranger
from tests.supply_chain.locks import ROOT, entries, pinned

pytestmark = pytest.mark.cluster

PROGRAM = Path(__file__).with_name("contents.py")


@pytest.fixture(scope="module")
def contents(namespace: str, image: str) -> dict[str, Any]:
    apply(stranger("contents", image, ["python3", "-c", PROGRAM.read_text()], {}), namespace=namespace)
    code, log = ended("contents", namespace)
    assert code == 0, log
    return json.loads(log)


def test_its_python_packages_are_the_locked_ones(contents: dict[str, Any]) -> None:
    found = {canonicalize_name(name): version for name, version in contents["python"].items()}
    del found["berth"]
    assert set(found.items()) <= pinned("requirements.txt")
    everywhere = {canonicalize_name(one.name) for one, _ in entries(ROOT / "requirements.txt") if one.marker is None}
    assert everywhere <= found.keys()


def test_its_lists_name_all_packages_and_no_other(contents: dict[str, Any]) -> None:
    found = {name: version for name, version in contents["python"].items() if name != "berth"}
    assert contents["listed"]["python"] == found
    assert contents["listed"]["debian"] == contents["debian"]


def test_it_holds_nothing_that_only_the_build_or_a_developer_needs(contents: dict[str, Any]) -> None:
    assert contents["unneeded"] == []
    assert contents["cached"] == []


def test_a_run_cannot_change_its_own_programs_nor_gain_rights_by_another(contents: dict[str, Any]) -> None:
    assert contents["writable"] == []
    assert contents["raising"] == []
