from pathlib import Path

from click.testing import CliRunner

from trainer.cli import main


def test_an_error_that_names_a_uri_shows_no_credentials_of_it(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(
        "{name: a, pretrain: {}, corpus: {sources: [{path: 'nfs://me:hunter2@host/a.txt'}]}}"
    )
    result = CliRunner().invoke(main, ["run", str(tmp_path / "run.yaml"), f"storage={tmp_path}"])
    assert result.exit_code == 2
    assert "nfs://***@host/a.txt" in result.stderr
    assert "hunter2" not in result.stderr
