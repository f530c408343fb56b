"""Files of weights as Hugging Face and torch write them: one or many, safetensors or pickle, of any age."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
import transformers
from tokenizers import Tokenizer

from trainer.config import schema
from trainer.errors import CheckpointError
from trainer.model import hf, weights
from trainer.model.encoder import BertModel
from trainer.model.heads import BertForQuestionAnswering
from trainer.model.pretrained import from_pretrained, save_pretrained


@pytest.fixture
def small() -> schema.Model:
    return schema.Model(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, initializer_range=0.2)


@pytest.fixture
def model(small: schema.Model) -> BertForQuestionAnswering:
    return BertForQuestionAnswering(small, 97)


@pytest.fixture
def directory(model: BertForQuestionAnswering, tokenizer: Tokenizer, tmp_path: Path) -> Path:
    """A sound model directory, but for its weights."""
    save_pretrained(model, tokenizer, str(tmp_path / "model"))
    (tmp_path / "model" / "model.safetensors").unlink()
    return tmp_path / "model"


def as_bin(folder: Path, tensors: dict[str, torch.Tensor]) -> None:
    torch.save(tensors, folder / "pytorch_model.bin")


def as_old_bin(folder: Path, tensors: dict[str, torch.Tensor]) -> None:
    torch.save(tensors, folder / "pytorch_model.bin", _use_new_zipfile_serialization=False)


def as_bin_of_a_squad_script(folder: Path, tensors: dict[str, torch.Tensor]) -> None:
    torch.save({"model": tensors}, folder / "pytorch_model.bin")


def as_shards(folder: Path, tensors: dict[str, torch.Tensor], suffix: str = "safetensors") -> None:
    names = sorted(tensors)
    stem, write = ("model", safetensors.torch.save_file) if suffix == "safetensors" else ("pytorch_model", torch.save)
    shards: dict[str, str] = {}
    for number in (1, 2):
        file = f"{stem}-0000{number}-of-00002.{suffix}"
        part = {name: tensors[name] for name in names[number - 1 :: 2]}
        write(part, folder / file)
        shards |= dict.fromkeys(part, file)
    (folder / f"{stem}.{suffix}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": shards}))


def as_bin_shards(folder: Path, tensors: dict[str, torch.Tensor]) -> None:
    as_shards(folder, tensors, "bin")


@pytest.mark.parametrize("write", [as_bin, as_old_bin, as_bin_of_a_squad_script, as_shards, as_bin_shards])
def test_every_kind_of_file_gives_the_same_bits(
    directory: Path, model: BertForQuestionAnswering, write: Callable[[Path, dict[str, torch.Tensor]], None]
) -> None:
    write(directory, hf.to_hf(model))

    read, _ = from_pretrained(str(directory))

    assert all(torch.equal(read.state_dict()[name], tensor) for name, tensor in model.state_dict().items())


def test_shards_by_hugging_face_are_read(directory: Path, model: BertForQuestionAnswering, tmp_path: Path) -> None:
    safetensors.torch.save_file(hf.to_hf(model), directory / "model.safetensors", metadata={"format": "pt"})
    theirs = transformers.BertForQuestionAnswering.from_pretrained(directory)
    theirs.save_pretrained(tmp_path / "theirs", max_shard_size="20KB")
    transformers.AutoTokenizer.from_pretrained(directory).save_pretrained(tmp_path / "theirs")
    assert (tmp_path / "theirs" / "model.safetensors.index.json").exists()

    read, _ = from_pretrained(str(tmp_path / "theirs"))

    assert all(torch.equal(read.state_dict()[name], tensor) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("pooler", [True, False])
def test_a_bare_encoder_of_hugging_face_comes_in_and_goes_out(
    small: schema.Model, tokenizer: Tokenizer, make_batch: Any, tmp_path: Path, pooler: bool
) -> None:
    save_pretrained(BertModel(small, 97, pooler), tokenizer, str(tmp_path / "ours"))
    theirs = transformers.BertModel.from_pretrained(tmp_path / "ours", add_pooling_layer=pooler).eval()
    theirs.save_pretrained(tmp_path / "theirs")
    transformers.AutoTokenizer.from_pretrained(tmp_path / "ours").save_pretrained(tmp_path / "theirs")
    batch = make_batch([19, 5, 33])

    read, read_tokenizer = from_pretrained(str(tmp_path / "theirs"))
    save_pretrained(read, read_tokenizer, str(tmp_path / "back"))
    back, notes = transformers.BertModel.from_pretrained(
        tmp_path / "back", add_pooling_layer=pooler, output_loading_info=True
    )

    assert isinstance(read, BertModel)
    assert "embeddings.word_embeddings.weight" in safetensors.torch.load_file(tmp_path / "theirs/model.safetensors")
    assert not any(notes.values()), notes
    assert all(torch.equal(back.state_dict()[name], tensor) for name, tensor in theirs.state_dict().items())
    hidden = read(batch.packed)
    torch.testing.assert_close(hidden, theirs(**batch.padded)[0][batch.inside], rtol=0, atol=1e-4)


def test_an_encoder_is_no_masked_lm(small: schema.Model, tokenizer: Tokenizer, tmp_path: Path) -> None:
    save_pretrained(BertModel(small, 97, pooler=True), tokenizer, str(tmp_path))
    config = (tmp_path / "config.json").read_text()
    (tmp_path / "config.json").write_text(config.replace("BertModel", "BertForMaskedLM"))

    with pytest.raises(CheckpointError, match=r"tensor cls\.predictions\.bias is missing; "):
        from_pretrained(str(tmp_path))


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("{", "not an index of shards"),
        ("[]", "not an index of shards"),
        ('{"weight_map": {"a": "../../secret.bin"}}', r"'\.\./\.\./secret\.bin' is no name of a shard beside it"),
        ('{"weight_map": {"a": "/etc/passwd"}}', "'/etc/passwd' is no name of a shard beside it"),
        ('{"weight_map": {"a": "model-1.bin"}}', r"model-1\.bin: tensor a is missing"),
        ('{"weight_map": {"a": "model-2.bin"}}', r"model-2\.bin: no such file"),
        ('{"weight_map": {"a": "model-2.safetensors"}}', r"model-2\.safetensors: no such file"),
    ],
)
def test_a_wrong_index_is_refused(directory: Path, index: str, message: str) -> None:
    torch.save({"b": torch.zeros(1)}, directory / "model-1.bin")
    (directory / "pytorch_model.bin.index.json").write_text(index)

    with pytest.raises(CheckpointError, match=message):
        from_pretrained(str(directory))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"model": {"a": 3}}, "a is a int, not a tensor"),
        ([torch.zeros(1)], "holds a list, no weights by name"),
        ({}, "holds a dict, no weights by name"),
        (torch.nn.Linear(1, 1), r"it would execute torch\.nn\.modules\.linear\.Linear, which is not weights"),
    ],
)
def test_what_is_not_tensors_by_name_is_refused(tmp_path: Path, value: Any, message: str) -> None:
    torch.save(value, tmp_path / "weights.bin")

    with pytest.raises(CheckpointError, match=message):
        weights.read(str(tmp_path / "weights.bin"))


def test_quantized_tensors_are_refused_by_name(directory: Path, model: BertForQuestionAnswering) -> None:
    as_bin(directory, hf.to_hf(model) | {"qa_outputs.bias": torch.zeros(2, dtype=torch.int8)})

    with pytest.raises(CheckpointError, match=r"tensor qa_outputs\.bias holds int8, not floats; "):
        from_pretrained(str(directory))
