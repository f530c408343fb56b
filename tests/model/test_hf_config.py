import json
import re
from typing import Any

import pytest
import transformers

from trainer.config import schema
from trainer.errors import CheckpointError
from trainer.model import hf_config
from trainer.model.encoder import BertModel
from trainer.model.heads import BertForPreTraining, BertForQuestionAnswering

CONFIG = schema.Model(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, layer_norm_eps=1e-7)


def described(**changed: Any) -> str:
    model = BertForPreTraining(CONFIG, 97, next_sentence_prediction=True)
    return json.dumps({**json.loads(hf_config.dumps(model, pad_token_id=3)), **changed})


def test_a_description_is_read_back_as_the_same_model() -> None:
    models = [
        BertForPreTraining(CONFIG, 97, next_sentence_prediction=True),
        BertForPreTraining(CONFIG, 97, next_sentence_prediction=False),
        BertForQuestionAnswering(CONFIG, 97),
        BertModel(CONFIG, 97, pooler=True),
    ]

    for model in models:
        read = hf_config.loads(hf_config.dumps(model, pad_token_id=0), "config.json")
        assert type(read) is type(model)
        assert read.config == CONFIG
        assert {name: tensor.shape for name, tensor in read.state_dict().items()} == {
            name: tensor.shape for name, tensor in model.state_dict().items()
        }
        assert {parameter.device.type for parameter in read.parameters()} == {"meta"}


def test_hugging_face_reads_the_description() -> None:
    read = transformers.BertConfig.from_dict(json.loads(described()))

    assert read.architectures == ["BertForPreTraining"]
    assert (read.vocab_size, read.pad_token_id) == (97, 3)
    assert {name: getattr(read, name) for name in schema.Model.model_fields} == CONFIG.model_dump()


def test_a_description_by_hugging_face_is_read() -> None:
    theirs = transformers.BertConfig(
        hidden_size=32, num_attention_heads=4, vocab_size=97, architectures=["BertForMaskedLM"]
    )

    read = hf_config.loads(theirs.to_json_string(use_diff=False), "config.json")

    assert isinstance(read, BertForPreTraining)
    assert read.config == schema.Model(hidden_size=32, num_attention_heads=4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON at line 1"),
        ("[]", "a JSON list, not an object"),
        (described(model_type="roberta"), "model_type is 'roberta', BERT's is 'bert'"),
        (described(hidden_act="gelu_new"), "hidden_act is 'gelu_new', BERT's is 'gelu'"),
        (described(vocab_size=None), "vocab_size is None, not a number of pieces"),
        (described(architectures=["BertForTokenClassification"]), 'architectures is ["BertForTokenClassification"]'),
        (described(architectures=None), "architectures is null"),
        (described(hidden_size="wide"), "hidden_size is 'wide'"),
        (described(num_attention_heads=3), "num_attention_heads 3 does not divide hidden_size 32"),
    ],
)
def test_what_is_no_bert_is_refused(text: str, message: str) -> None:
    with pytest.raises(CheckpointError, match=f"^config.json: {re.escape(message)}.*; .+"):
        hf_config.loads(text, "config.json")
