"""`berth run` on what people get wrong: one line, the right exit code, no traceback, nothing half-written.

The commands are run for real, in this process; none of them gets as far as starting workers.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bad_inputs import refusing

TEXT = "\n\n".join(f"The town of Number{n} lies on a river. Its mayor is Person{n}." for n in range(40))
ARTICLE = {"context": "Berth is a town.", "qas": [{"id": "1", "question": "What is it?"}]}


def squad(text: str, start: int) -> str:
    answered = ARTICLE | {"qas": [ARTICLE["qas"][0] | {"answers": [{"text": text, "answer_start": start}]}]}  # type: ignore[dict-item]
    return json.dumps({"version": "1.1", "data": [{"title": "Towns", "paragraphs": [answered]}]})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a run that is right, as the current directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text(TEXT)
    (tmp_path / "train.json").write_text(squad("a town", 9))
    (tmp_path / "run.yaml").write_text(
        """\
name: mine
corpus: {sources: [{path: text.txt}], held_out: 0}
vocab: {size: 200}
model: {hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 16}
pretrain: {max_steps: 2, batch_size: 4, max_length: 64}
squad: [{name: squad, train: [train.json], dev: train.json, max_length: 128, max_query_length: 32, doc_stride: 64}]
"""
    )
    return tmp_path


def refusal(*overrides: str, run: str = "run.yaml") -> str:
    return refusing.refusal("run", run, *overrides)


def test_a_wrong_setting_leaves_no_folder(folder: Path) -> None:
    assert refusal("pretrain.max_stepz=3") == "pretrain.max_stepz: no such setting; did you mean max_steps?"
    assert not (folder / "runs").exists()


def test_more_workers_than_cpus(folder: Path) -> None:
    line = refusal("scaling.num_workers=500", "pretrain.batch_size=500", "squad.0.batch_size=500")
    assert line.startswith("scaling.num_workers: 500 workers need 500 CPUs and there are")
    assert not (folder / "runs").exists()


def test_a_corpus_that_is_not_there(folder: Path) -> None:
    assert refusal("corpus.sources.0.path=gone.txt").startswith(f"{folder}/gone.txt: ")


def test_an_empty_corpus(folder: Path) -> None:
    (folder / "empty.txt").write_text("\n\n")
    assert f"{folder}/empty.txt" in refusal("corpus.sources.0.path=empty.txt")


def test_text_that_is_not_utf8(folder: Path) -> None:
    (folder / "latin.txt").write_bytes("Grüße aus Köln.\n".encode("latin-1"))
    line = refusal("corpus.sources.0.path=latin.txt")
    assert f"{folder}/latin.txt" in line
    assert "UTF-8" in line


def test_a_vocabulary_without_mask(folder: Path) -> None:
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n")
    assert "vocab.txt: the vocabulary has no [MASK]" in refusal("vocab.path=vocab.txt")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "not JSON"),
        ('{"data": 3}', "'data'"),
        ('{"articles": []}', "'data' is missing"),
        (squad("a town", 10), "question"),
        ('{"data": []}', "has no questions"),
    ],
)
def test_a_file_that_is_not_squad(folder: Path, content: str, problem: str) -> None:
    (folder / "bad.json").write_text(content)
    line = refusal("squad.0.train=[bad.json]")
    assert line.startswith(f"{folder}/bad.json")
    assert problem in line
    assert not (folder / "runs" / "mine" / "corpus").exists()


def test_a_model_that_is_not_there(folder: Path) -> None:
    assert refusal("squad.0.model=nowhere").startswith(f"{folder}/nowhere: no such model directory")


def test_a_run_folder_of_another_configuration(folder: Path) -> None:
    (folder / "empty.txt").write_text("")
    refusal("corpus.sources.0.path=empty.txt")  # notes the configuration, then stops at the text
    line = refusal("corpus.sources.0.path=empty.txt", "model.num_hidden_layers=2")
    assert line.startswith(f"model.num_hidden_layers: 2, but {folder}/runs/mine was begun with 1; only checkpoint, ")


def test_storage_that_cannot_be_written(folder: Path) -> None:
    assert f"{folder}/text.txt/runs/mine/lease.json: cannot be read" in refusal("storage=text.txt/runs")


def test_storage_of_an_unknown_kind(folder: Path) -> None:
    assert refusal("storage=floppy://disk").startswith("floppy://disk: no such kind of storage")


def test_a_full_disk(folder: Path, small_disk: Callable[[int], Path]) -> None:
    full_disk = small_disk(64)
    (folder / "long.txt").write_text("\n\n".join(f"Word{n} follows word{n + 1}." for n in range(20_000)))
    line = refusal(f"storage={full_disk}", "corpus.sources.0.path=long.txt")
    assert "cannot be written: no space left on device" in line
    assert not (full_disk / "mine" / "corpus" / "corpus.json").exists()
