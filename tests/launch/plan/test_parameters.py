"""Parameters by arithmetic, against the model itself."""

import pytest

from trainer.config import schema
from trainer.config.schema import Pretrain, Squad
from trainer.launch.plan import parameters
from trainer.model.heads import BertForPreTraining, BertForQuestionAnswering

SHAPES = (
    schema.Model(hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=96),
    schema.Model(
        hidden_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=300,
        max_position_embeddings=77,
        type_vocab_size=3,
    ),
)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("pairs", [True, False])
def test_they_are_those_of_the_pretrained_model(shape: schema.Model, pairs: bool) -> None:
    counted = parameters.counted(shape, 101, Pretrain(next_sentence_prediction=pairs))

    model = BertForPreTraining(shape, 101, pairs)
    assert sum(counted.values()) == sum(parameter.numel() for parameter in model.parameters())
    assert counted["layers"] == sum(parameter.numel() for parameter in model.bert.layers.parameters())


@pytest.mark.parametrize("shape", SHAPES)
def test_they_are_those_of_the_model_that_answers(shape: schema.Model) -> None:
    counted = parameters.counted(shape, 101, Squad(name="squad", train=("a",), dev="b"))

    model = BertForQuestionAnswering(shape, 101)
    assert sum(counted.values()) == sum(parameter.numel() for parameter in model.parameters())
