"""Runs on instances that others made, with files and settings that people get wrong."""

from pathlib import Path

import h5py
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from tests.bad_inputs.refusing import refusal
from tests.data.preprocessed.making import World, lddl, padded, write_dle, write_hdf5, write_lddl
from tests.data.preprocessed.preparing import write_vocab
from trainer.cli import main

CORPUS = """\
storage: rows
corpus: {sources: [{path: data, format: hdf5}], held_out: 0}
vocab: {path: vocab.txt}
"""
RUN = """\
name: mine
corpus: {sources: [{path: data, format: hdf5}], held_out: 0}
vocab: {path: vocab.txt}
model: {hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 16}
pretrain: {max_steps: 2, batch_size: 4, max_length: 64}
"""


@pytest.fixture(scope="module")
def world() -> World:
    return World.of(towns=50)


@pytest.fixture
def folder(tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A corpus of instances to prepare and a run on it, as the current directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    write_dle(tmp_path / "data" / "a.hdf5", world.rows(20))
    write_vocab(tmp_path, world)
    (tmp_path / "corpus.yaml").write_text(CORPUS)
    (tmp_path / "run.yaml").write_text(RUN)
    return tmp_path


@pytest.mark.parametrize(("command", "file"), [("prepare", "corpus.yaml"), ("run", "run.yaml")])
def test_no_vocabulary(folder: Path, command: str, file: str) -> None:
    assert refusal(command, file, "vocab.path=null") == (
        "vocab.path: is not set, and instances (hdf5, lddl) are of the vocabulary that they were made with; "
        "set it to that one"
    )


def test_another_vocabulary(folder: Path, world: World) -> None:
    write_vocab(folder, World(world.pieces[:100], []))
    line = refusal("prepare", "corpus.yaml")
    assert line.startswith(f"{folder}/data/a.hdf5, row 0: has the id ")
    assert line.endswith(
        " and the vocabulary has 100 pieces; set vocab.path to the vocabulary that the data was made with"
    )


def test_a_vocabulary_in_another_order(folder: Path, world: World) -> None:
    write_vocab(folder, World(world.pieces[::-1], []))
    size = len(world.pieces)
    assert refusal("prepare", "corpus.yaml") == (
        f"{folder}/data/a.hdf5, row 0: begins with the id 2, and [CLS] is {size - 3}; "
        "set vocab.path to the vocabulary that the data was made with"
    )


def test_a_key_that_is_missing(folder: Path, world: World) -> None:
    arrays = padded(world.rows(20))
    del arrays["masked_lm_ids"]
    write_hdf5(folder / "data" / "a.hdf5", arrays)
    assert refusal("prepare", "corpus.yaml") == (
        f"{folder}/data/a.hdf5: there is no masked_lm_ids in it, there is input_ids, input_mask, masked_lm_positions, "
        "next_sentence_labels, segment_ids; check corpus.sources, or make the data anew"
    )


def test_shapes_that_do_not_fit(folder: Path) -> None:
    with h5py.File(folder / "data" / "a.hdf5", "a") as file:
        del file["segment_ids"]
        file["segment_ids"] = [[0] * 32] * 20
    assert refusal("prepare", "corpus.yaml") == (
        f"{folder}/data/a.hdf5: segment_ids has the shape (20, 32), and input_ids has (20, 64); "
        "check corpus.sources, or make the data anew"
    )


def test_a_file_that_is_not_hdf5(folder: Path) -> None:
    (folder / "data" / "b.hdf5").write_text("no HDF5")
    assert refusal("prepare", "corpus.yaml").startswith(f"{folder}/data/b.hdf5: not a whole HDF5 file (")


def test_a_file_that_is_cut_short(folder: Path) -> None:
    path = folder / "data" / "a.hdf5"
    path.write_bytes(path.read_bytes()[:-50])
    line = refusal("prepare", "corpus.yaml")
    assert line.startswith(f"{folder}/data/a.hdf5: not a whole HDF5 file (")
    assert "truncated file" in line


def test_parquet_that_is_not_lddl_s(folder: Path) -> None:
    pq.write_table(pa.table({"text": ["A town."]}), folder / "data" / "a.parquet")
    line = refusal("prepare", "corpus.yaml", "corpus.sources=[{path: data/a.parquet, format: lddl}]")
    assert line == (
        f"{folder}/data/a.parquet: there is no column A in it, there is text; "
        "check corpus.sources, or make the data anew"
    )


def test_pieces_that_the_vocabulary_has_not(folder: Path, world: World) -> None:
    table = lddl(world.rows(5), world.pieces)
    table["B"] = pa.array([*table["B"].to_pylist()[:4], "a zebra"])
    pq.write_table(pa.table(table), folder / "data" / "a.parquet")
    line = refusal("prepare", "corpus.yaml", "corpus.sources=[{path: data/a.parquet, format: lddl}]")
    assert line == (
        f"{folder}/data/a.parquet, row 4: the piece 'zebra' is not in the vocabulary; "
        "set vocab.path to the vocabulary that the data was made with"
    )


def test_masks_to_keep_where_there_are_none(folder: Path, world: World) -> None:
    write_lddl(folder / "data" / "a.parquet", world.rows(5), world.pieces, static=False)
    line = refusal("prepare", "corpus.yaml", "corpus.sources=[{path: data/a.parquet, format: lddl, masks: keep}]")
    assert line == (
        f"{folder}/data/a.parquet, row 0: has 0 masks, and corpus.sources says to keep them; set masks to draw"
    )


def test_text_and_instances_in_one_corpus(folder: Path) -> None:
    line = refusal("prepare", "corpus.yaml", "corpus.sources=[{path: data, format: hdf5}, {path: text.txt}]")
    assert line.startswith("corpus.sources: are text and instances (hdf5, lddl)")


def test_a_stage_that_is_too_short_for_the_rows(folder: Path, world: World) -> None:
    longest = max(len(row.tokens) for row in world.rows(20))
    assert refusal("run", "run.yaml", "pretrain.max_length=32") == (
        f"pretrain.max_length: is 32, and the corpus has instances of up to {longest} tokens; "
        f"set it to {longest} or more, or use instances that were made for this length"
    )


def test_a_good_corpus_is_told_in_a_line(folder: Path) -> None:
    result = CliRunner().invoke(main, ["prepare", "corpus.yaml"])
    assert result.exit_code == 0, result.output
    assert "20 documents" in result.stdout
