"""`berth prepare`, and `berth run` on a prepared corpus, where several commands show what is wrong; the rest is in
`cases/`.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.bad_inputs.refusing import refusal, write_towns
from trainer.cli import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a corpus to prepare and a run that names it, as the current directory."""
    monkeypatch.chdir(tmp_path)
    write_towns(tmp_path)
    (tmp_path / "run.yaml").write_text(
        """\
name: mine
corpus: {prepared: towns}
model: {hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 16}
pretrain: {max_steps: 2, batch_size: 4, max_length: 64}
"""
    )
    return tmp_path


def prepare(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["prepare", "corpus.yaml", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_other_settings_where_a_corpus_is_finished(folder: Path) -> None:
    prepare()
    assert refusal("prepare", "corpus.yaml", "vocab.size=150") == (
        f"vocab.size: is 150, but {folder}/towns/vocab was made with 200; "
        f"set it back, give the run another name, or delete {folder}/towns/vocab"
    )


def test_other_settings_where_a_corpus_is_being_made(folder: Path) -> None:
    prepare("--part", "0/2")
    line = refusal("prepare", "corpus.yaml", "corpus.held_out=0.5", "--part", "1/2")
    assert line.startswith(f"corpus.held_out: is 0.5, but {folder}/towns/corpus was made with 0.0; set it back")


def test_a_mistake_in_the_text_s_settings_is_mended_in_the_same_folder(folder: Path) -> None:
    (folder / "rows.jsonl").write_text('{"content": "A town. A river."}\n' * 9)
    rows = ("corpus.sources.0.path=rows.jsonl", "corpus.sources.0.format=jsonl")
    assert "has no field 'text'; its fields are content" in refusal("prepare", "corpus.yaml", *rows)
    assert "9 documents" in prepare(*rows, "corpus.sources.0.field=content")


def test_a_full_disk(folder: Path, small_disk: Callable[[int], Path]) -> None:
    full_disk = small_disk(64)
    (folder / "long.txt").write_text("\n\n".join(f"Word{n} follows word{n + 1}." for n in range(20_000)))
    line = refusal("prepare", "corpus.yaml", f"storage={full_disk}", "corpus.sources.0.path=long.txt")
    assert "cannot be written: no space left on device" in line


def test_a_run_on_an_unfinished_corpus(folder: Path) -> None:
    prepare("--part", "0/2")
    assert refusal("run", "run.yaml") == (
        f"corpus.prepared: the corpus at {folder}/towns is not finished: 1 of 2 parts are done; "
        "wait for its `berth prepare`, or set corpus.wait_minutes"
    )


def test_a_run_whose_corpus_became_another(folder: Path) -> None:
    prepare()
    prepare("storage=others", "corpus.held_out=0.5")
    (folder / "bad.json").write_text("{}")
    squad = "squad=[{name: squad, train: [bad.json], dev: bad.json}]"
    refusal("run", "run.yaml", squad)
    (folder / "runs/mine/corpus").mkdir()
    (folder / "runs/mine/corpus/corpus.json").write_bytes((folder / "towns/corpus/corpus.json").read_bytes())
    assert refusal("run", "run.yaml", "corpus.prepared=others").startswith(
        f"corpus.prepared: the corpus at {folder}/others is not the one that {folder}/runs/mine/corpus was begun with; "
    )
