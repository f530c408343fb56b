"""`berth export` on weights that are wrong: one line that names the tensor or file, exit code 2, nothing written, and
nothing of theirs executed. Run for real, in this process.
"""

import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from tokenizers import Tokenizer
from torch import Tensor

from tests.bad_inputs import refusing
from tests.model import foreign
from trainer.config import schema
from trainer.model.heads import BertForPreTraining
from trainer.model.pretrained import save_pretrained

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
MARKER = "executed"
QUERY = "bert.encoder.layer.1.attention.self.query.weight"


class Payload:
    """Unpickled, it would create a file."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {MARKER}",)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return foreign.small_tokenizer()


@pytest.fixture(scope="module")
def model() -> BertForPreTraining:
    config = schema.Model(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32)
    return BertForPreTraining(config, 8, next_sentence_prediction=True)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, model: BertForPreTraining, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with a model of each format that is right: model/, model.nemo, dle/ckpt_7038.pt."""
    monkeypatch.chdir(tmp_path)
    save_pretrained(model, tokenizer, "model")
    foreign.write_tar(tmp_path / "model.nemo", foreign.nemo_files(model, tokenizer))
    foreign.write_dle(tmp_path / "dle", model, tokenizer, padded_to=8)
    return tmp_path


def refusal(source: str) -> str:
    """The line that `berth export` ends with; nothing may have been executed or written."""
    line = refusing.refusal("export", source, "exported")
    assert not Path(MARKER).exists()
    assert not Path("exported").exists()
    return line


def change(**changed: Tensor | None) -> None:
    tensors = safetensors.torch.load_file("model/model.safetensors")
    merged = {name: tensor for name, tensor in (tensors | changed).items() if tensor is not None}
    safetensors.torch.save_file(merged, "model/model.safetensors")


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({QUERY: torch.zeros(16, 8)}, f"tensor {QUERY} has shape (16, 8), the configuration asks for (16, 16)"),
        ({QUERY: None}, f"tensor {QUERY} is missing"),
        ({"bert.encoder.layer.2.output.dense.bias": torch.zeros(16)}, "bert.encoder.layer.2.output.dense.bias belongs"),
        ({QUERY: torch.zeros(16, 16, dtype=torch.int8)}, f"tensor {QUERY} holds int8, not floats"),
        (
            {"bert.embeddings.word_embeddings.weight": torch.zeros(9, 16)},
            "tensor bert.embeddings.word_embeddings.weight has shape (9, 16), the configuration asks for (8, 16)",
        ),
    ],
    ids=["shape", "missing", "extra", "quantized", "vocabulary"],
)
def test_tensors_that_do_not_fit(changed: dict[str, Tensor | None], problem: str) -> None:
    change(**changed)
    assert refusal("model").startswith("model/model.safetensors: ")
    assert problem in refusal("model")


def test_truncated_safetensors(folder: Path) -> None:
    file = folder / "model" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    assert refusal("model").startswith("model/model.safetensors: torn or not safetensors")


def test_a_tokenizer_of_another_size_than_the_model(folder: Path) -> None:
    (folder / "model" / "tokenizer.json").unlink()
    with (folder / "model" / "vocab.txt").open("a") as file:
        file.write("d\n")
    assert refusal("model").startswith("model: the vocabulary has 9 pieces, the model 8; choose the vocabulary")


def test_a_configuration_of_another_vocabulary(folder: Path) -> None:
    config = json.loads((folder / "model" / "config.json").read_text())
    (folder / "model" / "config.json").write_text(json.dumps(config | {"vocab_size": 9}))
    assert refusal("model").startswith("model: the vocabulary has 8 pieces, the model 9; ")


@pytest.mark.parametrize("in_zip", [True, False], ids=["zip", "before torch 1.6"])
def test_a_pickle_in_the_place_of_weights_is_named_and_not_executed(folder: Path, in_zip: bool) -> None:
    (folder / "model" / "model.safetensors").unlink()
    payload = {"bert": torch.zeros(1), "more": Payload()}
    torch.save(payload, "model/pytorch_model.bin", _use_new_zipfile_serialization=in_zip)
    expected = "model/pytorch_model.bin: it would execute posix.system, which is not weights; nothing was executed; "
    assert refusal("model").startswith(expected)


def test_the_payload_would_have_worked() -> None:
    torch.save(Payload(), "payload.pt")
    torch.load("payload.pt", weights_only=False)
    assert Path(MARKER).exists()


def test_a_pickle_in_a_checkpoint_of_deeplearningexamples() -> None:
    torch.save({"model": {}, "args": Payload()}, "dle/ckpt_7038.pt")
    assert refusal("dle/ckpt_7038.pt").startswith("dle/ckpt_7038.pt: it would execute posix.system")


def test_a_pickle_in_a_nemo_file(folder: Path, model: BertForPreTraining, tokenizer: Tokenizer) -> None:
    files = foreign.nemo_files(model, tokenizer) | {"./model_weights.ckpt": foreign.saved([Payload()])}
    foreign.write_tar(folder / "model.nemo", files)
    assert refusal("model.nemo").startswith("model.nemo: model_weights.ckpt: it would execute posix.system")


def test_yaml_that_would_call_something(folder: Path, model: BertForPreTraining, tokenizer: Tokenizer) -> None:
    called = f'a: !!python/object/apply:os.system ["touch {MARKER}"]'.encode()
    foreign.write_tar(folder / "model.nemo", foreign.nemo_files(model, tokenizer) | {"./model_config.yaml": called})
    assert refusal("model.nemo").startswith(
        "model.nemo: model_config.yaml, line 1, column 4: not YAML: could not determine a const"
    )


def link(target: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo("model_weights.ckpt")
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member


@pytest.mark.parametrize(
    "member",
    [
        tarfile.TarInfo("../escaped"),
        tarfile.TarInfo("/tmp/berth-escaped"),
        tarfile.TarInfo("a/../../escaped"),
        link("/etc/passwd"),
    ],
    ids=["parent", "root", "inside out", "link"],
)
def test_an_archive_that_reaches_out_of_itself(
    folder: Path, model: BertForPreTraining, tokenizer: Tokenizer, member: tarfile.TarInfo
) -> None:
    foreign.write_tar(folder / "model.nemo", foreign.nemo_files(model, tokenizer))
    with tarfile.open("model.nemo", "a") as archive:
        archive.addfile(member, io.BytesIO())
    expected = f"model.nemo: its member {member.name} leads out of the archive; do not use this file"
    assert refusal("model.nemo").startswith(expected)
    assert not (folder.parent / "escaped").exists()
    assert not Path("/tmp/berth-escaped").exists()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("<html>Please log in</html>")


@pytest.mark.parametrize("damage", [cut, empty, text])
@pytest.mark.parametrize("source", ["model.nemo", "dle/ckpt_7038.pt"])
def test_files_that_were_not_copied_whole(folder: Path, source: str, damage: Callable[[Path], None]) -> None:
    damage(folder / source)
    assert refusal(source).startswith(f"{source}: torn")


@pytest.mark.parametrize("absent", ["model_config.yaml", "model_weights.ckpt"])
def test_a_nemo_file_without_a_part(folder: Path, model: BertForPreTraining, tokenizer: Tokenizer, absent: str) -> None:
    files = foreign.nemo_files(model, tokenizer)
    del files[f"./{absent}"]
    foreign.write_tar(folder / "model.nemo", files)
    assert refusal("model.nemo").startswith(f"model.nemo: holds no {absent}; ")


def test_a_nemo_file_of_another_kind_of_model(folder: Path, model: BertForPreTraining, tokenizer: Tokenizer) -> None:
    files = foreign.nemo_files(model, tokenizer)
    files["./model_weights.ckpt"] = foreign.saved({"encoder.conv.weight": torch.zeros(1)})
    foreign.write_tar(folder / "model.nemo", files)
    expected = "model.nemo: tensor bert.embeddings.word_embeddings.weight is missing; it is no BERT"
    assert refusal("model.nemo").startswith(expected)


@pytest.mark.parametrize("name", ["bert_model.encoder.layer.0.output.dense.weight", "bert_model.more.weight"])
def test_tensors_of_a_nemo_file_that_do_not_fit(
    folder: Path, model: BertForPreTraining, tokenizer: Tokenizer, name: str
) -> None:
    tensors = foreign.nemo_weights(model) | {name: torch.zeros(3, 3)}
    files = foreign.nemo_files(model, tokenizer) | {"./model_weights.ckpt": foreign.saved(tensors)}
    foreign.write_tar(folder / "model.nemo", files)
    assert refusal("model.nemo").startswith(f"model.nemo: tensor {name.replace('bert_model', 'bert')} ")


def test_a_vocabulary_of_another_size_beside_a_checkpoint(folder: Path) -> None:
    with (folder / "dle" / "vocab.txt").open("a") as file:
        file.write("d\n")
    expected = "dle/ckpt_7038.pt: tensor bert.embeddings.word_embeddings.weight has 8 rows, the vocabulary 9 pieces; "
    assert refusal("dle/ckpt_7038.pt").startswith(expected)


def test_no_vocabulary(folder: Path) -> None:
    (folder / "dle" / "vocab.txt").unlink()
    assert refusal("dle/ckpt_7038.pt").startswith("dle/ckpt_7038.pt: brings no vocabulary; name the vocab.txt")


def test_an_archive_in_the_place_of_a_model_directory(folder: Path) -> None:
    shutil.move("model.nemo", "model.tar")
    assert refusal("model.tar").startswith("model.tar: ")
