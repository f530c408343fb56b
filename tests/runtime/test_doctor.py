"""`berth doctor` as a person meets it: the page, the JSON, and what a run leaves for its report."""

import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

from tests.data.making import silent
from trainer.cli import main
from trainer.config.load import dump, load
from trainer.config.schema import Run
from trainer.data.doctor.diagnosis import Diagnosis
from trainer.engine.folder import RunFolder
from trainer.runtime.inputs import prepare
from trainer.tracking.report import write_report


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, RunFolder]:
    """A smaller quickstart whose corpus is prepared, as far as a run gets before it trains."""
    storage = tmp_path_factory.mktemp("runs")
    run = load("quickstart", (f"storage={storage}", "world.towns=3000", "world.dev_towns=20", "vocab.size=1024"))
    folder = RunFolder.of(run)
    Path(folder.uri).mkdir()
    Path(folder.config).write_text(dump(run))
    prepare(run, folder, silent)
    return run, folder


def doctor(*arguments: str, columns: int = 80) -> Result:
    result = CliRunner(env={"COLUMNS": str(columns)}).invoke(main, ["doctor", *arguments])
    assert result.exit_code == 0, result.output
    return result


def test_a_run_leaves_its_diagnosis_beside_the_corpus(quickstart: tuple[Run, RunFolder]) -> None:
    run, folder = quickstart
    found = Diagnosis.model_validate_json(Path(folder.corpus, "doctor.json").read_text())
    assert found.warnings == ()
    assert not found.assumed
    assert [drawn.max_length for drawn in found.drawn] == [stage.max_length for stage in run.pretrain]


def test_it_is_made_once(quickstart: tuple[Run, RunFolder]) -> None:
    run, folder = quickstart
    made = Path(folder.corpus, "doctor.json")
    before = made.stat().st_mtime_ns
    prepare(run, folder, silent)
    assert made.stat().st_mtime_ns == before


def test_the_report_shows_it(quickstart: tuple[Run, RunFolder]) -> None:
    run, folder = quickstart
    page = Path(write_report(run, folder.uri)).read_text()
    assert "Berth’s doctor has no warnings." in page
    assert "Length of the instances of pretrain, tokens" in page


@pytest.mark.parametrize("columns", [60, 80, 100, 200])
def test_the_page_fits_the_terminal(quickstart: tuple[Run, RunFolder], columns: int) -> None:
    page = doctor(quickstart[1].uri, columns=columns).stdout
    assert max(map(cell_len, page.splitlines())) <= columns
    assert "\x1b" not in page, "no colours where there is no terminal"
    for heading in ("Amount", "Text", "Instances of pretrain", "Strangest documents", "No warnings"):
        assert heading in page
    assert "train-00000:" in page


def test_json_is_the_diagnosis_of_all_of_it(quickstart: tuple[Run, RunFolder]) -> None:
    found = Diagnosis.model_validate(json.loads(doctor(quickstart[1].uri, "-o", "json").stdout))
    assert (found.examined, found.checked) == (1, True)
    assert found.documents == 3000


def test_another_run_may_be_asked_for(quickstart: tuple[Run, RunFolder], tmp_path: Path) -> None:
    _, folder = quickstart
    (tmp_path / "long.yaml").write_text(
        f"name: long\ncorpus: {{prepared: {folder.uri}}}\npretrain: {{max_length: 512, max_steps: 10}}\n"
    )
    page = doctor(folder.uri, "--run", str(tmp_path / "long.yaml"), columns=200).stdout
    assert "of pretrain's instances are under half of its max_length" in page
    assert "set max_length to " in page


def test_warnings_are_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("\n\n".join(40 * ["The same town lies on the same river."]))
    (tmp_path / "corpus.yaml").write_text("storage: t\ncorpus: {sources: [{path: text.txt}]}\nvocab: {size: 64}\n")
    assert CliRunner().invoke(main, ["prepare", "corpus.yaml"]).exit_code == 0
    page = doctor("t").stdout
    assert "98 % of your documents came before, word by word" in page
    assert "set corpus.cleaning.duplicates to exact" in page


def test_text_cannot_move_the_cursor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pieces.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n\u202ea\n[bold]\n")
    (tmp_path / "text.txt").write_text("\n\n".join(["a a a \u202ea zz [bold] a", "[red]a a", "a"]))
    (tmp_path / "corpus.yaml").write_text(
        "storage: t\ncorpus: {sources: [{path: text.txt}], held_out: 0}\nvocab: {path: pieces.txt}\n"
    )
    assert CliRunner().invoke(main, ["prepare", "corpus.yaml"]).exit_code == 0
    page = doctor("t").stdout
    assert "\u202e" not in page
    assert "red" in page


@pytest.mark.slow
def test_the_quickstart_s_corpus_is_looked_at_in_five_seconds(tmp_path: Path) -> None:
    run = load("quickstart", (f"storage={tmp_path}",))
    folder = RunFolder.of(run)
    prepare(run, folder, silent)
    Path(folder.corpus, "doctor.json").unlink()
    start = time.process_time()
    prepare(run, folder, silent)
    assert time.process_time() - start < 5
