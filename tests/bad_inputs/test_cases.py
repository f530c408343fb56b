"""Each bad input gives its one line: where, what is wrong with which value, what to do. Exit code 2, no traceback, and
nothing is left but what the right command goes on with. The commands are run for real, in this process; none of them
gets as far as starting workers.
"""

import shutil
from pathlib import Path

import pytest
from kubernetes.config import kube_config

from tests.bad_inputs import starting_folder, table
from tests.bad_inputs.case import Case, refusal
from tests.bad_inputs.cases import EVERY

CASES = [pytest.param(case, id=f"{group}: {case.wrong}") for group, cases in EVERY.items() for case in cases]


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ground")
    starting_folder.lay(folder)
    return folder


@pytest.fixture
def folder(laid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for a case, as the current directory; the cluster, if any, is that of ./kubeconfig."""
    shutil.copytree(laid, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", "kubeconfig")
    return tmp_path / "here"


@pytest.mark.parametrize("case", CASES)
def test_a_bad_input_is_refused_in_one_line(case: Case, folder: Path) -> None:
    line = refusal(case)
    if case.says.endswith("..."):
        assert line.startswith(case.says.removesuffix("..."))
    else:
        assert line == case.says


def test_there_are_at_least_120_cases_and_none_is_there_twice() -> None:
    typed = [(case.command, tuple(case.files.items()), case.make) for cases in EVERY.values() for case in cases]
    assert len(typed) >= 120
    assert len({repr(each) for each in typed}) == len(typed)


def test_the_table_is_fresh() -> None:
    assert table.PAGE.read_text() == table.page(), "run `make tables`"
