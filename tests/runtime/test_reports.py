from pathlib import Path

import pytest

from trainer.config.load import dump, parse
from trainer.config.schema import Run
from trainer.errors import ConfigError
from trainer.runtime.reports import compare, opened, report

RUN = "{name: small, storage: STORAGE, corpus: {sources: [{path: text}]}, pretrain: {}}"


@pytest.fixture
def begun(tmp_path: Path) -> Run:
    """A run that has a folder and nothing else."""
    run = parse(RUN.replace("STORAGE", str(tmp_path / "runs")), "small.yaml")
    (tmp_path / "runs/small").mkdir(parents=True)
    (tmp_path / "runs/small/run.yaml").write_text(dump(run))
    (tmp_path / "small.yaml").write_text(dump(run))
    return run


def test_a_run_is_found_by_its_yaml_and_by_its_folder(begun: Run, tmp_path: Path) -> None:
    folder = str(tmp_path / "runs/small")
    assert opened(str(tmp_path / "small.yaml")) == opened(folder) == (begun, folder)


def test_a_run_that_has_not_ended_has_a_page(begun: Run, tmp_path: Path) -> None:
    page = report(str(tmp_path / "runs/small"))
    assert page == str(tmp_path / "runs/small/report.html")
    assert "not started" in Path(page).read_text()


def test_what_is_no_run_is_refused_with_what_to_give(begun: Run, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no folder of a run, run\.yaml is not there; give the folder"):
        opened(str(tmp_path))
    (tmp_path / "runs/small/run.yaml").unlink()
    with pytest.raises(ConfigError, match="is not there; start the run first, or give its folder"):
        opened(str(tmp_path / "small.yaml"))


def test_more_runs_than_colours_are_refused(begun: Run, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="RUN: 7 runs on one page; give at most 6"):
        compare((str(tmp_path / "runs/small"),) * 7, str(tmp_path / "page.html"))
    assert not (tmp_path / "page.html").exists()
    assert compare((str(tmp_path / "runs/small"),) * 6, str(tmp_path / "page.html")) == str(tmp_path / "page.html")
