from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from trainer.cli import main


def berth(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_pieces_come_with_their_probabilities(models: Path) -> None:
    result = berth("fill-mask", "Arlo went to [MASK].", "--top", "3")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert len(lines) == 3
    shares = [float(line.split("%")[0]) for line in lines]
    assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize("text", ["No mask here.", "[MASK] and [MASK]"])
def test_there_must_be_exactly_one_mask(models: Path, text: str) -> None:
    result = berth("fill-mask", text)
    assert result.exit_code == 2
    assert "write [MASK] once" in result.stderr


def test_a_text_over_the_position_table_is_refused(models: Path) -> None:
    result = berth("fill-mask", "Arlo " * 200 + "[MASK]")
    assert result.exit_code == 2
    assert "are over the model's 96" in result.stderr


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
