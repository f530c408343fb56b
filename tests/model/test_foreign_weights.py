"""NeMo's and DeepLearningExamples' files: every tensor arrives bit for bit, and Hugging Face gives the same logits."""

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tokenizers import Tokenizer

from tests.model import foreign
from trainer.config import schema
from trainer.errors import CheckpointError
from trainer.model import hf, hf_config
from trainer.model.encoder import AnyBert, BertModel
from trainer.model.heads import BertForPreTraining, BertForQuestionAnswering
from trainer.model.pretrained import from_pretrained, save_pretrained

CONFIG = schema.Model(
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=64,
    max_position_embeddings=64,
    initializer_range=0.2,
)
KINDS = ["pretraining", "masked_lm", "question_answering"]


def made(kind: str) -> AnyBert:
    if kind == "question_answering":
        return BertForQuestionAnswering(CONFIG, 97).eval()
    return BertForPreTraining(CONFIG, 97, next_sentence_prediction=kind == "pretraining").eval()


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest) -> AnyBert:
    return made(request.param)


def nemo(path: Path, model: AnyBert, tokenizer: Tokenizer, changed: dict[str, Any] | None = None) -> str:
    return str(foreign.write_tar(path / "model.nemo", foreign.nemo_files(model, tokenizer, changed)))


def logits(model: Any, **inputs: torch.Tensor) -> list[torch.Tensor]:
    with torch.no_grad():
        return [tensor for tensor in model(**inputs).to_tuple() if tensor is not None]


def assert_the_same(ours: AnyBert, read: AnyBert, tokenizer: Tokenizer, batch: Any, folder: Path) -> None:
    """All tensors equal; exported, Hugging Face's model of the same class says the same as one filled from ours."""
    assert type(read) is type(ours)
    assert {name: tuple(tensor.shape) for name, tensor in read.state_dict().items()} == {
        name: tuple(tensor.shape) for name, tensor in ours.state_dict().items()
    }
    assert all(torch.equal(read.state_dict()[name], tensor) for name, tensor in ours.state_dict().items())
    save_pretrained(read, tokenizer, str(folder))
    hf_class = getattr(transformers, hf_config.architecture(ours))
    theirs, notes = hf_class.from_pretrained(folder, output_loading_info=True)
    assert not any(notes.values()), notes
    direct = hf_class(theirs.config).eval()
    bare = "bert." if isinstance(ours, BertModel) else ""
    direct.load_state_dict({name.removeprefix(bare): tensor for name, tensor in hf.to_hf(ours).items()}, strict=False)
    direct.tie_weights()
    for got, expected in zip(logits(theirs.eval(), **batch.padded), logits(direct, **batch.padded), strict=True):
        assert torch.equal(got, expected)


def test_a_nemo_file_comes_in_bit_for_bit_and_goes_out_to_hugging_face(
    model: AnyBert, tokenizer: Tokenizer, make_batch: Any, tmp_path: Path
) -> None:
    read, its_tokenizer = from_pretrained(nemo(tmp_path, model, tokenizer))

    assert read.config.num_attention_heads == 4
    assert its_tokenizer.get_vocab() == tokenizer.get_vocab()
    assert_the_same(model, read, its_tokenizer, make_batch([19, 5, 33]), tmp_path / "hf")


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_the_archive_may_be_compressed(mode: str, tokenizer: Tokenizer, tmp_path: Path) -> None:
    model = made("question_answering")
    path = foreign.write_tar(tmp_path / "model.nemo", foreign.nemo_files(model, tokenizer), mode)

    read, _ = from_pretrained(str(path))

    assert torch.equal(read.bert.embeddings.word_embeddings.weight, model.bert.embeddings.word_embeddings.weight)


def test_labels_that_say_next_are_turned_round(tokenizer: Tokenizer, tmp_path: Path) -> None:
    model = made("pretraining")
    on_text = {"train_ds": {"data_file": "x", "mask_prob": 0.15, "short_seq_prob": 0.1}}

    read, _ = from_pretrained(nemo(tmp_path, model, tokenizer, on_text))

    assert isinstance(read, BertForPreTraining)
    assert isinstance(model, BertForPreTraining)
    assert read.next_sentence is not None
    assert model.next_sentence is not None
    assert torch.equal(read.next_sentence.seq_relationship.weight, model.next_sentence.seq_relationship.weight.flip(0))
    assert torch.equal(read.next_sentence.seq_relationship.bias, model.next_sentence.seq_relationship.bias.flip(0))
    assert torch.equal(read.next_sentence.pooler.weight, model.next_sentence.pooler.weight)


def test_a_next_sentence_classifier_of_another_depth_is_left_out_with_a_note(
    tokenizer: Tokenizer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = made("pretraining")
    files = foreign.nemo_files(model, tokenizer)
    tensors = {name: tensor for name, tensor in foreign.nemo_weights(model).items() if "layer2" not in name}
    files["./model_weights.ckpt"] = foreign.saved(tensors)

    read, _ = from_pretrained(str(foreign.write_tar(tmp_path / "model.nemo", files)))

    assert hf_config.architecture(read) == "BertForMaskedLM"
    assert "is left out" in caplog.text


def test_the_encoders_own_description_counts_and_an_old_vocabulary_is_found(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    model = made("masked_lm")
    config = foreign.nemo_config(
        model,
        {"language_model": {"config": None}, "tokenizer": {"tokenizer_name": "bert-base-uncased", "vocab_file": None}},
    )
    files = foreign.nemo_files(model, tokenizer)
    files["./bert-base-uncased_encoder_config.json"] = b'{"num_attention_heads": 8, "layer_norm_eps": 1e-7}'
    files["./model_config.yaml"] = foreign.yaml.safe_dump(config).encode()
    files["./tokenizer.vocab_file"] = files.pop("./0a1b2c_vocab.txt")

    read, its_tokenizer = from_pretrained(str(foreign.write_tar(tmp_path / "model.nemo", files)))

    assert (read.config.num_attention_heads, read.config.layer_norm_eps) == (8, 1e-7)
    assert its_tokenizer.get_vocab_size() == 97


@pytest.mark.parametrize(("name", "pieces"), [("bert-base-cased", ["[UNK]"]), ("bert-base-uncased", ["paris"])])
def test_the_case_of_a_nemo_model_travels_with_it(
    name: str, pieces: list[str], tokenizer: Tokenizer, tmp_path: Path
) -> None:
    changed = {"tokenizer": {"tokenizer_name": name, "vocab_file": "/home/them/0a1b2c_vocab.txt"}}
    read, its_tokenizer = from_pretrained(nemo(tmp_path, made("masked_lm"), tokenizer, changed))

    save_pretrained(read, its_tokenizer, str(tmp_path / "hf"))

    assert its_tokenizer.encode("Paris").tokens[1:-1] == pieces
    assert transformers.AutoTokenizer.from_pretrained(tmp_path / "hf").tokenize("Paris") == pieces


def test_a_nemo_file_without_a_vocabulary_takes_the_one_that_is_given(tokenizer: Tokenizer, tmp_path: Path) -> None:
    model = made("masked_lm")
    files = foreign.nemo_files(model, tokenizer, {"tokenizer": None})
    (tmp_path / "vocab.txt").write_bytes(files.pop("./0a1b2c_vocab.txt"))
    path = str(foreign.write_tar(tmp_path / "model.nemo", files))

    assert from_pretrained(path, str(tmp_path / "vocab.txt"))[1].get_vocab() == tokenizer.get_vocab()
    with pytest.raises(CheckpointError, match=r"brings no vocabulary; name the vocab\.txt"):
        from_pretrained(path)


def test_a_checkpoint_of_deeplearningexamples_comes_in_bit_for_bit_without_its_rows_of_padding(
    model: AnyBert, tokenizer: Tokenizer, make_batch: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = foreign.write_dle(tmp_path / "dle", model, tokenizer, padded_to=104)

    with caplog.at_level(logging.WARNING):
        read, its_tokenizer = from_pretrained(str(path))

    assert "7 rows that pad its vocabulary of 97 pieces are cut off" in caplog.text
    assert its_tokenizer.get_vocab() == tokenizer.get_vocab()
    assert_the_same(model, read, its_tokenizer, make_batch([19, 5, 33]), tmp_path / "hf")


def test_more_rows_than_padding_explains_are_another_vocabulary(tokenizer: Tokenizer, tmp_path: Path) -> None:
    path = foreign.write_dle(tmp_path / "dle", made("masked_lm"), tokenizer, padded_to=112)

    with pytest.raises(CheckpointError, match=r"word_embeddings.weight has 112 rows, the vocabulary 97 pieces; "):
        from_pretrained(str(path))


def test_a_checkpoint_without_heads_is_an_encoder(tokenizer: Tokenizer, make_batch: Any, tmp_path: Path) -> None:
    model = BertModel(CONFIG, 97, pooler=True).eval()
    path = foreign.write_dle(tmp_path / "dle", model, tokenizer, padded_to=104)

    read, its_tokenizer = from_pretrained(str(path))

    assert_the_same(model, read, its_tokenizer, make_batch([9, 5]), tmp_path / "hf")
