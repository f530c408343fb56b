"""Checkpoints and models whose files somebody has changed; the checkpoints' sums say what was put there."""

import contextlib
import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from tests.engine.line_task import LineTask
from tests.engine.test_torn import SETTINGS, save
from tests.fuzz.damage import REFUSED, at_length, damaged
from trainer.config import schema
from trainer.data import vocab
from trainer.engine.checkpoint import Checkpoints
from trainer.engine.state import State
from trainer.model.heads import BertForQuestionAnswering
from trainer.model.pretrained import from_pretrained, save_pretrained

SHAPE = schema.Model(
    hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, max_position_embeddings=16
)
FILES = ("state.json", "history.jsonl", "model.safetensors", "optimizer.safetensors", "vocab.txt")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one checkpoint."""
    folder = tmp_path_factory.mktemp("fuzz") / "stage"
    save(str(folder), 3)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz") / "model"
    (folder.parent / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "##c"]))
    tokenizer: Tokenizer = vocab.load(str(folder.parent / "vocab.txt"), lowercase=True)
    torch.manual_seed(0)
    save_pretrained(BertForQuestionAnswering(SHAPE, 8), tokenizer, str(folder))
    return folder


def changed(folder: Path, name: str, draw: st.DataObject) -> Path:
    """A copy of which this file is damaged."""
    copy = folder.with_name("copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    [file] = copy.rglob(name)
    file.write_bytes(draw.draw(damaged(file.read_bytes())))
    return copy


def load(stage: Path) -> None:
    state = State.fresh(LineTask(SETTINGS, 100).model, SETTINGS)
    with contextlib.suppress(REFUSED):
        Checkpoints(str(stage), "fingerprint", keep=2).load_latest(state)


@pytest.mark.parametrize("name", [*FILES, "complete.json"])
@at_length
@given(draw=st.data())
def test_a_damaged_checkpoint(stage: Path, name: str, draw: st.DataObject) -> None:
    load(changed(stage, name, draw))


@pytest.mark.parametrize("name", FILES)
@at_length
@given(draw=st.data())
def test_a_checkpoint_with_the_sums_of_what_was_put_there(stage: Path, name: str, draw: st.DataObject) -> None:
    copy = changed(stage, name, draw)
    [complete] = copy.rglob("complete.json")
    sums = json.loads(complete.read_text())
    sums["sha256"][name] = hashlib.sha256((complete.parent / name).read_bytes()).hexdigest()
    complete.write_text(json.dumps(sums))
    load(copy)


@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "vocab.txt", "tokenizer.json", "tokenizer_config.json"]
)
@at_length
@given(draw=st.data())
def test_a_damaged_model(model: Path, name: str, draw: st.DataObject) -> None:
    with contextlib.suppress(REFUSED):
        from_pretrained(str(changed(model, name, draw)))
