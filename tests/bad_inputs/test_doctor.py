"""`berth doctor` on what is no corpus, or a damaged one: one line, exit code 2."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.bad_inputs import refusing
from tests.bad_inputs.refusing import write_towns
from trainer.cli import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a prepared corpus, `towns`, as the current directory."""
    monkeypatch.chdir(tmp_path)
    write_towns(tmp_path)
    result = CliRunner().invoke(main, ["prepare", "corpus.yaml"])
    assert result.exit_code == 0, result.output
    return tmp_path


def refusal(*arguments: str) -> str:
    """The last line of stderr, below those of the progress."""
    result = CliRunner().invoke(main, ["doctor", *arguments])
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit), "a traceback would have been shown"
    assert result.stdout == ""
    return result.stderr.splitlines()[-1].removeprefix("berth: ")


def test_a_folder_without_a_vocabulary(folder: Path) -> None:
    (folder / "towns/vocab/vocab.json").unlink()
    assert refusing.refusal("doctor", "towns").startswith(f"{folder}/towns/vocab/vocab.json: no such file or folder")


def test_a_vocabulary_of_another_corpus(folder: Path) -> None:
    vocabulary = folder / "towns/vocab/vocab.txt"
    size = len(vocabulary.read_text().splitlines())
    vocabulary.write_text(vocabulary.read_text() + "more\n")
    assert refusing.refusal("doctor", "towns") == (
        f"{vocabulary}: has {size + 1} pieces, and the corpus was made with {size}; give the vocabulary of the corpus"
    )


def test_a_flipped_bit(folder: Path) -> None:
    shard = folder / "towns/corpus/train-00000.arrow"
    data = bytearray(shard.read_bytes())
    data[-500] ^= 1
    shard.write_bytes(data)
    line = refusal("towns")
    assert line.startswith(f"{shard}: is damaged: its SHA-256 is ")
    assert ", and corpus.json says " in line


def test_a_shard_that_is_cut_short(folder: Path) -> None:
    shard = folder / "towns/corpus/train-00000.arrow"
    size = shard.stat().st_size
    shard.write_bytes(shard.read_bytes()[:-8])
    assert f"{shard}: has {size - 8} bytes, and corpus.json says {size}" in refusal("towns")


def test_a_manifest_that_is_none(folder: Path) -> None:
    (folder / "towns/corpus/corpus.json").write_text("{}")
    assert "corpus.json: not a Manifest of this version" in refusing.refusal("doctor", "towns")


def test_a_run_that_is_wrong(folder: Path) -> None:
    (folder / "run.yaml").write_text("name: mine\npretrain: {max_stepz: 3}\n")
    assert "no such setting; did you mean max_steps?" in refusing.refusal("doctor", "towns", "--run", "run.yaml")
