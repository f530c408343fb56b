import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
import transformers
from tokenizers import Tokenizer

import trainer
from trainer.config import schema
from trainer.errors import CheckpointError
from trainer.model import hf
from trainer.model.heads import BertForPreTraining, BertForQuestionAnswering
from trainer.model.pretrained import from_pretrained, save_pretrained

VOCAB_SIZE = 97
TEXTS = ["Paris is the [MASK] of France.", "A", "Élan, 3.5?"]
MakeBatch = Callable[[list[int]], Any]


@pytest.fixture
def small() -> schema.Model:
    return schema.Model(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, initializer_range=0.2)


@pytest.fixture
def directory(small: schema.Model, tokenizer: Tokenizer, tmp_path: Path) -> Path:
    """A sound export of a question-answering model."""
    save_pretrained(BertForQuestionAnswering(small, VOCAB_SIZE), tokenizer, str(tmp_path / "model"))
    return tmp_path / "model"


@pytest.mark.parametrize("next_sentence_prediction", [True, False])
def test_a_saved_pretraining_model_opens_in_hugging_face(
    config: schema.Model, tokenizer: Tokenizer, make_batch: MakeBatch, tmp_path: Path, next_sentence_prediction: bool
) -> None:
    model = BertForPreTraining(config, VOCAB_SIZE, next_sentence_prediction).eval()
    hf_class = transformers.BertForPreTraining if next_sentence_prediction else transformers.BertForMaskedLM
    batch = make_batch([19, 5, 33])

    save_pretrained(model, tokenizer, str(tmp_path))
    theirs, notes = hf_class.from_pretrained(tmp_path, output_loading_info=True)
    expected = theirs.eval()(**batch.padded)
    mlm_logits, nsp_logits = model(batch.packed, torch.arange(57))

    assert not any(notes.values()), notes
    torch.testing.assert_close(mlm_logits, expected[0][batch.inside], rtol=0, atol=1e-4)
    if nsp_logits is not None:
        torch.testing.assert_close(nsp_logits, expected.seq_relationship_logits, rtol=0, atol=1e-4)


def test_a_saved_question_answering_model_opens_in_hugging_face(
    config: schema.Model, tokenizer: Tokenizer, make_batch: MakeBatch, tmp_path: Path
) -> None:
    model = BertForQuestionAnswering(config, VOCAB_SIZE).eval()
    batch = make_batch([19, 5, 33])

    save_pretrained(model, tokenizer, str(tmp_path))
    theirs, notes = transformers.AutoModelForQuestionAnswering.from_pretrained(tmp_path, output_loading_info=True)
    expected = theirs.eval()(**batch.padded)
    start_logits, end_logits = model(batch.packed)

    assert not any(notes.values()), notes
    torch.testing.assert_close(start_logits, expected.start_logits[batch.inside], rtol=0, atol=1e-4)
    torch.testing.assert_close(end_logits, expected.end_logits[batch.inside], rtol=0, atol=1e-4)


@pytest.mark.parametrize("hf_class", [transformers.AutoTokenizer, transformers.BertTokenizer])
@pytest.mark.parametrize("without", [None, "tokenizer.json"])
def test_the_saved_tokenizer_opens_in_hugging_face(directory: Path, hf_class: Any, without: str | None) -> None:
    ours = from_pretrained(str(directory))[1]
    if without:
        (directory / without).unlink()

    theirs = hf_class.from_pretrained(directory)

    assert theirs.model_max_length == 512
    assert theirs.mask_token_id == ours.token_to_id("[MASK]")
    for first, second in [(text, None) for text in TEXTS] + [(TEXTS[0], TEXTS[2])]:
        encoded, expected = ours.encode(first, second), theirs(first, second)
        assert (encoded.ids, encoded.type_ids) == (expected["input_ids"], expected["token_type_ids"])


def test_a_model_saved_by_hugging_face_opens_here(
    config: schema.Model, tokenizer: Tokenizer, make_batch: MakeBatch, tmp_path: Path
) -> None:
    save_pretrained(BertForPreTraining(config, VOCAB_SIZE, True), tokenizer, str(tmp_path / "ours"))
    theirs = transformers.BertForPreTraining.from_pretrained(tmp_path / "ours").eval()
    theirs.save_pretrained(tmp_path / "theirs")
    transformers.AutoTokenizer.from_pretrained(tmp_path / "ours").save_pretrained(tmp_path / "theirs")
    batch = make_batch([19, 5, 33])

    model, read = from_pretrained(str(tmp_path / "theirs"))

    mlm_logits, _ = model(batch.packed, torch.arange(57))
    torch.testing.assert_close(mlm_logits, theirs(**batch.padded)[0][batch.inside], rtol=0, atol=1e-4)
    assert read.encode(*TEXTS[:2]).tokens[0] == "[CLS]"


def test_a_model_comes_back_bit_for_bit_and_draws_no_random_numbers(
    config: schema.Model, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    model = BertForQuestionAnswering(config, VOCAB_SIZE)
    save_pretrained(model, tokenizer, str(tmp_path))
    random_state = torch.get_rng_state()

    read, _ = from_pretrained(str(tmp_path))

    assert torch.equal(torch.get_rng_state(), random_state)
    assert not read.training
    assert all(parameter.requires_grad for parameter in read.parameters())
    for (name, ours), (read_name, theirs) in zip(model.named_parameters(), read.named_parameters(), strict=True):
        assert (name, True) == (read_name, torch.equal(ours, theirs))


def test_any_fsspec_uri_will_do(small: schema.Model, tokenizer: Tokenizer, monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setenv("BERTH_CACHE", str(tmp_path))
    model = BertForQuestionAnswering(small, VOCAB_SIZE)

    save_pretrained(model, tokenizer, "memory://models/qa")
    read, _ = from_pretrained("memory://models/qa")

    assert torch.equal(read.qa_outputs.weight, model.qa_outputs.weight)


def test_the_package_itself_offers_from_pretrained_and_loads_torch_only_then(directory: Path) -> None:
    assert trainer.from_pretrained is from_pretrained
    code = "import sys, trainer; assert 'torch' not in sys.modules; assert not hasattr(trainer, 'nothing')"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_tokenizer_of_another_size_is_not_saved(small: schema.Model, tokenizer: Tokenizer, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="the vocabulary has 97 pieces, the model 98"):
        save_pretrained(BertForQuestionAnswering(small, 98), tokenizer, str(tmp_path))

    assert list(tmp_path.iterdir()) == []


def without_config(directory: Path) -> None:
    (directory / "config.json").unlink()


def without_weights(directory: Path) -> None:
    (directory / "model.safetensors").unlink()


def without_vocabulary(directory: Path) -> None:
    (directory / "tokenizer.json").unlink()
    (directory / "vocab.txt").unlink()


def truncated(directory: Path) -> None:
    file = directory / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1000])


def pickled(directory: Path) -> None:
    torch.save({"weight": torch.zeros(1)}, directory / "model.safetensors")


def of_another_vocabulary(directory: Path) -> None:
    (directory / "tokenizer.json").unlink()
    with (directory / "vocab.txt").open("a") as file:
        file.write("london\n")


def of_another_class(directory: Path) -> None:
    config = (directory / "config.json").read_text()
    (directory / "config.json").write_text(config.replace("BertForQuestionAnswering", "BertForMaskedLM"))


def of_another_shape(directory: Path) -> None:
    tensors = safetensors.torch.load_file(directory / "model.safetensors")
    tensors["qa_outputs.weight"] = torch.zeros(3, 32)
    safetensors.torch.save_file(tensors, directory / "model.safetensors")


def absent(directory: Path) -> None:
    shutil.rmtree(directory)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (absent, "no such model directory; give the path"),
        (without_config, "holds no config.json; "),
        (without_weights, "holds no model.safetensors; save the model as safetensors"),
        (without_vocabulary, "brings no vocabulary; "),
        (truncated, "model.safetensors: torn or not safetensors"),
        (pickled, "model.safetensors: torn or not safetensors"),
        (of_another_vocabulary, "the vocabulary has 98 pieces, the model 97; "),
        (of_another_class, "tensor cls.predictions.bias is missing; "),
        (of_another_shape, r"tensor qa_outputs.weight has shape \(3, 32\), the configuration asks for \(2, 32\); "),
    ],
)
def test_a_damaged_directory_is_refused_in_one_line(
    directory: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(directory)

    with pytest.raises(CheckpointError, match=message) as caught:
        from_pretrained(str(directory))

    assert "\n" not in str(caught.value)
    assert str(directory) in str(caught.value)


def test_the_weights_on_disk_are_hugging_faces(directory: Path) -> None:
    model, _ = from_pretrained(str(directory))

    assert safetensors.torch.load_file(directory / "model.safetensors").keys() == hf.to_hf(model).keys()
