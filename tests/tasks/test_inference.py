from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.tasks.conftest import Prepared
from trainer.cli import main
from trainer.model.pretrained import save_pretrained
from trainer.tasks.pretrain import PretrainTask
from trainer.tasks.squad import SquadTask


@pytest.fixture
def models(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Both kinds of model, untrained, where a run leaves them; the current directory is above `runs`."""
    monkeypatch.chdir(Path(prepared.run.storage).parent)
    pretrained = PretrainTask(prepared.run, prepared.run.pretrain[-1], prepared.folder)
    save_pretrained(pretrained.model, pretrained.tokenizer, prepared.folder.model("second"))
    squad = SquadTask(prepared.run, prepared.run.squad[0], prepared.folder)
    save_pretrained(squad.model, squad.tokenizer, prepared.folder.model("squad"))
    return Path(prepared.folder.uri)


def berth(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(main, list(arguments), input=text)


def test_fill_mask_gives_pieces_and_their_probabilities(models: Path) -> None:
    result = berth("fill-mask", "Arlo went to [MASK].", "--top", "3")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert len(lines) == 3
    shares = [float(line.split("%")[0]) for line in lines]
    assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize("text", ["No mask here.", "[MASK] and [MASK]"])
def test_fill_mask_wants_exactly_one_mask(models: Path, text: str) -> None:
    result = berth("fill-mask", text)
    assert result.exit_code == 2
    assert "write [MASK] once" in result.stderr


def test_fill_mask_refuses_a_text_over_the_position_table(models: Path) -> None:
    result = berth("fill-mask", "Arlo " * 200 + "[MASK]")
    assert result.exit_code == 2
    assert "are over the model's 96" in result.stderr


def test_an_answer_is_a_part_of_the_context_or_none(models: Path, tmp_path: Path) -> None:
    context = "Ashford lies on a river. Arlo is the mayor of Ashford. " * 20
    (tmp_path / "context.txt").write_text(context)
    result = berth("answer", "Who is the mayor?", "--context", str(tmp_path / "context.txt"))
    assert result.exit_code == 0, result.output
    answer = result.output.partition("%")[2].strip()
    assert answer == "(no answer)" or answer in context
    assert berth("answer", "Who is the mayor?", "--context", "-", text=context).output == result.output


def test_an_empty_context_is_refused(models: Path) -> None:
    result = berth("answer", "Who?", "--context", "-", text=" \n")
    assert result.exit_code == 2
    assert "--context: the text is empty" in result.stderr


def test_the_newest_fitting_model_is_taken(models: Path) -> None:
    assert berth("fill-mask", "[MASK]", "--model", str(models / "squad" / "model")).exit_code == 2
    assert berth("fill-mask", "[MASK]").exit_code == 0


def test_without_any_model_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = berth("fill-mask", "[MASK]")
    assert result.exit_code == 2
    assert (
        result.stderr == "berth: runs/: no fitting model there; train one with `berth run quickstart` or give --model\n"
    )
