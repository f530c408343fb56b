"""Our models and `transformers`', the oracle: the same weights give the same logits, losses and gradients."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from trainer.config import schema
from trainer.model import hf
from trainer.model.heads import BertForPreTraining, BertForQuestionAnswering

VOCAB_SIZE = 97
LENGTHS = [pytest.param([19, 5, 33], id="ragged"), pytest.param([12, 12], id="full"), pytest.param([64], id="single")]
MakeBatch = Callable[[list[int]], Any]


@pytest.fixture
def pretraining(config: schema.Model, hf_config: transformers.BertConfig) -> tuple[BertForPreTraining, nn.Module]:
    theirs = transformers.BertForPreTraining(hf_config).eval()
    nn.init.normal_(theirs.cls.predictions.bias)
    ours = BertForPreTraining(config, VOCAB_SIZE, next_sentence_prediction=True).eval()
    ours.load_state_dict(hf.from_hf(theirs.state_dict(), ours, "memory"))
    return ours, theirs


@pytest.fixture
def answering(config: schema.Model, hf_config: transformers.BertConfig) -> tuple[BertForQuestionAnswering, nn.Module]:
    theirs = transformers.BertForQuestionAnswering(hf_config).eval()
    ours = BertForQuestionAnswering(config, VOCAB_SIZE).eval()
    ours.load_state_dict(hf.from_hf(theirs.state_dict(), ours, "memory"))
    return ours, theirs


def assert_same_gradients(ours: nn.Module, theirs: nn.Module, tolerance: float) -> None:
    """For each parameter of ours, the difference is at most `tolerance` of the gradient's norm."""
    gradients = {name: parameter.grad for name, parameter in theirs.named_parameters()}
    for name, parameter in ours.named_parameters():
        expected = torch.cat([gradients[their] for their in hf.hf_names(name)])
        # A key's bias adds the same to all scores of a query, so its true gradient is 0 and only rounding is seen.
        scale = expected.norm() if expected.norm() > 1e-7 else torch.tensor(1.0)
        assert (parameter.grad - expected).norm() <= tolerance * scale, name


@pytest.mark.parametrize("lengths", LENGTHS)
def test_pretraining_logits_are_hugging_faces(
    pretraining: tuple[BertForPreTraining, nn.Module], make_batch: MakeBatch, lengths: list[int]
) -> None:
    ours, theirs = pretraining
    batch = make_batch(lengths)

    mlm_logits, nsp_logits = ours(batch.packed, torch.arange(sum(lengths)))
    expected = theirs(**batch.padded)

    torch.testing.assert_close(mlm_logits, expected.prediction_logits[batch.inside], rtol=0, atol=1e-4)
    torch.testing.assert_close(nsp_logits, expected.seq_relationship_logits, rtol=0, atol=1e-4)


@pytest.mark.parametrize("lengths", LENGTHS)
def test_question_answering_logits_are_hugging_faces(
    answering: tuple[BertForQuestionAnswering, nn.Module], make_batch: MakeBatch, lengths: list[int]
) -> None:
    ours, theirs = answering
    batch = make_batch(lengths)

    start_logits, end_logits = ours(batch.packed)
    expected = theirs(**batch.padded)

    torch.testing.assert_close(start_logits, expected.start_logits[batch.inside], rtol=0, atol=1e-4)
    torch.testing.assert_close(end_logits, expected.end_logits[batch.inside], rtol=0, atol=1e-4)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_pretraining_loss_and_gradients_are_hugging_faces(
    pretraining: tuple[BertForPreTraining, nn.Module], make_batch: MakeBatch, dtype: torch.dtype, tolerance: float
) -> None:
    ours, theirs = (model.to(dtype) for model in pretraining)
    batch = make_batch([19, 5, 33])
    masked_positions = torch.tensor([3, 4, 17, 20, 30, 55])
    labels = torch.randint(VOCAB_SIZE, (6,))
    next_sentence_labels = torch.tensor([1, 0, 1])

    mlm_logits, nsp_logits = ours(batch.packed, masked_positions)
    loss = cross_entropy(mlm_logits, labels) + cross_entropy(nsp_logits, next_sentence_labels)
    loss.backward()
    expected = theirs(
        **batch.padded,
        labels=padded_labels(batch.inside, masked_positions, labels),
        next_sentence_label=next_sentence_labels,
    ).loss
    expected.backward()

    torch.testing.assert_close(loss, expected, rtol=tolerance, atol=0)
    assert_same_gradients(ours, theirs, tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_question_answering_loss_and_gradients_are_hugging_faces(
    answering: tuple[BertForQuestionAnswering, nn.Module], make_batch: MakeBatch, dtype: torch.dtype, tolerance: float
) -> None:
    ours, theirs = (model.to(dtype) for model in answering)
    batch = make_batch([21, 21, 21])
    starts, ends = torch.tensor([2, 0, 20]), torch.tensor([4, 0, 20])

    start_logits, end_logits = (logits.view(3, 21) for logits in ours(batch.packed))
    loss = (cross_entropy(start_logits, starts) + cross_entropy(end_logits, ends)) / 2
    loss.backward()
    expected = theirs(**batch.padded, start_positions=starts, end_positions=ends).loss
    expected.backward()

    torch.testing.assert_close(loss, expected, rtol=tolerance, atol=0)
    assert_same_gradients(ours, theirs, tolerance)


def padded_labels(inside: Tensor, masked_positions: Tensor, labels: Tensor) -> Tensor:
    packed = torch.full((int(inside.sum()),), -100)
    packed[masked_positions] = labels
    padded = torch.full(inside.shape, -100)
    padded[inside] = packed
    return padded


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
