import re

import pytest
import torch
import transformers

from trainer.config import schema
from trainer.errors import CheckpointError
from trainer.model import hf
from trainer.model.encoder import AnyBert, BertModel
from trainer.model.heads import BertForPreTraining, BertForQuestionAnswering

CONFIG = schema.Model(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
QUERY = "bert.encoder.layer.1.attention.self.query.weight"


@pytest.fixture(params=["pretraining", "masked_lm", "question_answering", "encoder", "encoder without pooler"])
def model(request: pytest.FixtureRequest) -> AnyBert:
    match request.param:
        case "pretraining":
            return BertForPreTraining(CONFIG, 97, next_sentence_prediction=True)
        case "masked_lm":
            return BertForPreTraining(CONFIG, 97, next_sentence_prediction=False)
        case "question_answering":
            return BertForQuestionAnswering(CONFIG, 97)
        case kind:
            return BertModel(CONFIG, 97, pooler=kind == "encoder")


@pytest.fixture
def masked_lm() -> BertForPreTraining:
    return BertForPreTraining(CONFIG, 97, next_sentence_prediction=False)


def test_there_and_back_changes_no_bit(model: AnyBert) -> None:
    back = hf.from_hf(hf.to_hf(model), model, "memory")

    assert back.keys() == model.state_dict().keys()
    assert all(torch.equal(back[name], tensor) for name, tensor in model.state_dict().items())


def test_the_names_are_those_of_hugging_faces_classes() -> None:
    config = transformers.BertConfig(**CONFIG.model_dump(), vocab_size=97)
    pairs = [
        (BertForPreTraining(CONFIG, 97, next_sentence_prediction=True), transformers.BertForPreTraining(config)),
        (BertForPreTraining(CONFIG, 97, next_sentence_prediction=False), transformers.BertForMaskedLM(config)),
        (BertForQuestionAnswering(CONFIG, 97), transformers.BertForQuestionAnswering(config)),
    ]

    for ours, theirs in pairs:
        copies = {"cls.predictions.decoder.weight", "cls.predictions.decoder.bias"}
        expected = {name: tensor.shape for name, tensor in theirs.state_dict().items() if name not in copies}
        assert {name: tensor.shape for name, tensor in hf.to_hf(ours).items()} == expected


def test_ten_layers_keep_their_numbers() -> None:
    assert hf.hf_names("bert.layers.10.output.bias") == ("bert.encoder.layer.10.output.dense.bias",)
    assert hf.hf_names("bert.layers.1.attention.query_key_value.weight") == (
        "bert.encoder.layer.1.attention.self.query.weight",
        "bert.encoder.layer.1.attention.self.key.weight",
        "bert.encoder.layer.1.attention.self.value.weight",
    )


def test_exports_of_any_age_and_precision_are_read(masked_lm: BertForPreTraining) -> None:
    tensors = hf.to_hf(masked_lm)
    tensors = {name: tensor.half() for name, tensor in tensors.items()}
    tensors["cls.predictions.decoder.weight"] = tensors["bert.embeddings.word_embeddings.weight"]
    tensors["cls.predictions.decoder.bias"] = tensors["cls.predictions.bias"]
    tensors["bert.embeddings.position_ids"] = torch.arange(512)[None]
    tensors["bert.pooler.dense.bias"] = torch.zeros(32)
    tensors["cls.seq_relationship.bias"] = torch.zeros(2)
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): tensor
        for name, tensor in tensors.items()
    }

    state = hf.from_hf(old, masked_lm, "memory")

    assert all(torch.equal(state[name], tensor.half().float()) for name, tensor in masked_lm.state_dict().items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({QUERY: None}, f"tensor {QUERY} is missing"),
        ({QUERY: torch.zeros(32, 16)}, f"tensor {QUERY} has shape (32, 16), the configuration asks for (32, 32)"),
        ({"bert.encoder.layer.2.output.dense.bias": torch.zeros(32)}, "layer.2.output.dense.bias belongs to no BERT"),
        ({"cls.predictions.decoder.weight": torch.ones(97, 32)}, "cls.predictions.decoder.weight differs from"),
    ],
    ids=["missing", "another shape", "left over", "untied"],
)
def test_tensors_that_do_not_fit_are_refused_by_name(
    masked_lm: BertForPreTraining, change: dict[str, torch.Tensor | None], message: str
) -> None:
    tensors = {name: tensor for name, tensor in (hf.to_hf(masked_lm) | change).items() if tensor is not None}

    with pytest.raises(CheckpointError, match=f"^model.safetensors: .*{re.escape(message)}.*; .+"):
        hf.from_hf(tensors, masked_lm, "model.safetensors")
