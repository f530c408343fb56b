"""The heads by themselves; that they are BERT's is shown in test_parity."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from trainer.config import schema
from trainer.model.heads import BertForPreTraining, BertForQuestionAnswering

VOCAB_SIZE = 97
MakeBatch = Callable[[list[int]], Any]


@pytest.mark.parametrize("next_sentence_prediction", [True, False])
def test_every_parameter_gets_a_gradient(
    config: schema.Model, make_batch: MakeBatch, next_sentence_prediction: bool
) -> None:
    """Distributed training waits for every one."""
    model = BertForPreTraining(config, VOCAB_SIZE, next_sentence_prediction)
    logits = model(make_batch([9, 8]).packed, torch.tensor([1, 10]))

    sum(part.sum() for part in logits if part is not None).backward()

    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []


def test_only_the_asked_tokens_are_scored(config: schema.Model, make_batch: MakeBatch) -> None:
    model = BertForPreTraining(config, VOCAB_SIZE, next_sentence_prediction=False).eval()
    packed = make_batch([9, 8]).packed

    some, nsp_logits = model(packed, torch.tensor([1, 10]))
    every, _ = model(packed, torch.arange(17))

    torch.testing.assert_close(some, every[[1, 10]])
    assert nsp_logits is None


def test_question_answering_takes_up_a_pretrained_encoder(config: schema.Model, make_batch: MakeBatch) -> None:
    pretrained = BertForPreTraining(config, VOCAB_SIZE, next_sentence_prediction=True).eval()
    answering = BertForQuestionAnswering(config, VOCAB_SIZE).eval()
    packed = make_batch([9, 8]).packed

    answering.bert.load_state_dict(pretrained.bert.state_dict())

    assert torch.equal(answering.bert(packed), pretrained.bert(packed))
