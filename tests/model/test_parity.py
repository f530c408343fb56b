"""Ours and `transformers`, the oracle, from the same weights: every number of a forward and backward pass.

Differences are relative: the largest between two elements of a tensor as a share of its largest element. In fp32 they
stay below 1e-5, in float64 below 1e-12, so the first is rounding.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
import transformers
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from tests.parity import assert_all_below, gradient_differences, padded, relative_difference, span_loss
from trainer.config import schema
from trainer.model import hf
from trainer.model.heads import BertForPreTraining, BertForQuestionAnswering, PretrainedModel
from trainer.model.packing import Packed

VOCAB_SIZE = 97
TOLERANCES = {torch.float32: 1e-5, torch.float64: 1e-12}
LENGTHS = [pytest.param([19, 5, 33], id="ragged"), pytest.param([21, 21], id="full"), pytest.param([64], id="single")]
MakeBatch = Callable[[list[int]], Any]


class PretrainingInputs(NamedTuple):
    """As `tasks.pretrain` has them."""

    packed: Packed
    masked_positions: Tensor
    labels: Tensor
    next_sentence_labels: Tensor


class Spans(NamedTuple):
    """As `tasks.squad` has them."""

    packed: Packed
    start_positions: Tensor
    end_positions: Tensor


@pytest.fixture(params=TOLERANCES, ids=["fp32", "float64"])
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    return request.param


@pytest.fixture
def pretraining(
    config: schema.Model, hf_config: transformers.BertConfig, dtype: torch.dtype
) -> tuple[BertForPreTraining, nn.Module]:
    theirs = transformers.BertForPreTraining(hf_config)
    nn.init.normal_(theirs.cls.predictions.bias)
    ours = BertForPreTraining(config, VOCAB_SIZE, next_sentence_prediction=True)
    copy_weights(theirs, ours)
    return ours.to(dtype).eval(), theirs.to(dtype).eval()


@pytest.fixture
def answering(
    config: schema.Model, hf_config: transformers.BertConfig, dtype: torch.dtype
) -> tuple[BertForQuestionAnswering, nn.Module]:
    theirs = transformers.BertForQuestionAnswering(hf_config)
    ours = BertForQuestionAnswering(config, VOCAB_SIZE)
    copy_weights(theirs, ours)
    return ours.to(dtype).eval(), theirs.to(dtype).eval()


def copy_weights(theirs: nn.Module, ours: PretrainedModel) -> None:
    ours.load_state_dict(hf.from_hf(theirs.state_dict(), ours, "memory"))


def hidden_states(model: PretrainedModel, *inputs: object) -> tuple[list[Tensor], Any]:
    """What the embeddings and each layer give, (T, hidden_size) each, and what the model gives."""
    seen: list[Tensor] = []
    parts = [model.bert.embeddings, *model.bert.layers]
    hooks = [part.register_forward_hook(lambda part, given, made: seen.append(made)) for part in parts]
    made = model(*inputs)
    for hook in hooks:
        hook.remove()
    return seen, made


def pretraining_inputs(packed: Packed) -> PretrainingInputs:
    """Some 15 % of the tokens masked, at least one of each sequence and not evenly."""
    tokens, sequences = len(packed.input_ids), len(packed.cu_seqlens) - 1
    chosen = torch.cat([torch.randperm(tokens)[: tokens // 7], packed.cu_seqlens[:-1].long() + 1]).unique()
    return PretrainingInputs(packed, chosen, torch.randint(VOCAB_SIZE, (len(chosen),)), torch.randint(2, (sequences,)))


def spans(packed: Packed) -> Spans:
    """Somewhere inside of each sequence; the first has no answer, which is [CLS]."""
    starts = (packed.cu_seqlens.diff() // 3).long()
    starts[0] = 0
    return Spans(packed, starts, starts * 2)


@pytest.mark.parametrize("lengths", LENGTHS)
def test_the_hidden_states_of_all_layers_are_hugging_faces(
    answering: tuple[BertForQuestionAnswering, nn.Module], make_batch: MakeBatch, lengths: list[int], dtype: torch.dtype
) -> None:
    assert_same_hidden_states(*answering, make_batch(lengths), TOLERANCES[dtype])


def assert_same_hidden_states(ours: BertForQuestionAnswering, theirs: nn.Module, batch: Any, tolerance: float) -> None:
    hidden, _ = hidden_states(ours, batch.packed)
    expected = theirs(**batch.padded, output_hidden_states=True).hidden_states

    assert len(hidden) == len(expected) == 1 + len(ours.bert.layers)
    for states, their_states in zip(hidden, expected, strict=True):
        assert relative_difference(states, their_states[batch.inside]) <= tolerance


@pytest.mark.parametrize("lengths", LENGTHS)
def test_the_logits_loss_and_gradients_of_pretraining_are_hugging_faces(
    pretraining: tuple[BertForPreTraining, nn.Module], make_batch: MakeBatch, lengths: list[int], dtype: torch.dtype
) -> None:
    assert_same_pretraining(*pretraining, make_batch(lengths), TOLERANCES[dtype])


def assert_same_pretraining(ours: BertForPreTraining, theirs: nn.Module, batch: Any, tolerance: float) -> None:
    inputs = pretraining_inputs(batch.packed)

    every_logit, _ = ours(batch.packed, torch.arange(len(batch.packed.input_ids)))
    mlm_logits, nsp_logits = ours(batch.packed, inputs.masked_positions)
    loss = cross_entropy(mlm_logits, inputs.labels) + cross_entropy(nsp_logits, inputs.next_sentence_labels)
    loss.backward()
    expected = theirs(**padded(inputs))
    expected.loss.backward()

    assert relative_difference(every_logit, expected.prediction_logits[batch.inside]) <= tolerance
    assert relative_difference(nsp_logits, expected.seq_relationship_logits) <= tolerance
    assert relative_difference(loss, expected.loss) <= tolerance
    assert_all_below(gradient_differences(ours, theirs), tolerance)


@pytest.mark.parametrize("lengths", LENGTHS)
def test_the_logits_loss_and_gradients_of_question_answering_are_hugging_faces(
    answering: tuple[BertForQuestionAnswering, nn.Module], make_batch: MakeBatch, lengths: list[int], dtype: torch.dtype
) -> None:
    assert_same_answering(*answering, make_batch(lengths), TOLERANCES[dtype])


def assert_same_answering(ours: BertForQuestionAnswering, theirs: nn.Module, batch: Any, tolerance: float) -> None:
    inputs = spans(batch.packed)
    lengths = batch.packed.cu_seqlens.diff().tolist()

    start_logits, end_logits = ours(batch.packed)
    loss = sum(
        cross_entropy(logits[None], position[None])
        for scores, positions in ((start_logits, inputs.start_positions), (end_logits, inputs.end_positions))
        for logits, position in zip(scores.split(lengths), positions, strict=True)
    ) / (2 * len(lengths))
    loss.backward()
    columns = padded(inputs)
    expected = theirs(**columns)
    expected_loss = expected.loss if batch.inside.all() else span_loss(expected, columns)
    expected_loss.backward()

    assert relative_difference(start_logits, expected.start_logits[batch.inside]) <= tolerance
    assert relative_difference(end_logits, expected.end_logits[batch.inside]) <= tolerance
    assert relative_difference(loss, expected_loss) <= tolerance
    assert_all_below(gradient_differences(ours, theirs), tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float32], ids=["fp32"], indirect=True)
def test_bert_base_is_hugging_faces(make_batch: MakeBatch, dtype: torch.dtype) -> None:
    """12 layers x 768 over up to 512 tokens, from BERT's own random start."""
    shape, batch = schema.Model(), make_batch([512, 77, 300])
    config = transformers.BertConfig(**shape.model_dump(), vocab_size=VOCAB_SIZE, attn_implementation="eager")
    pretraining = BertForPreTraining(shape, VOCAB_SIZE, next_sentence_prediction=True)
    their_pretraining = transformers.BertForPreTraining(config)
    copy_weights(their_pretraining, pretraining)
    answering = BertForQuestionAnswering(shape, VOCAB_SIZE)
    their_answering = transformers.BertForQuestionAnswering(config)
    copy_weights(their_answering, answering)
    for model in (pretraining, their_pretraining, answering, their_answering):
        model.to(dtype).eval()

    tolerance = TOLERANCES[dtype]
    assert_same_hidden_states(answering, their_answering, batch, tolerance)
    assert_same_pretraining(pretraining, their_pretraining, batch, tolerance)
    # The gradient of a span's loss adds up to 0 over the tokens, so the last biases are what 889 numbers leave of each
    # other, and the rounding of them is twice as large a share. Both sides have it, against float64.
    assert_same_answering(answering, their_answering, batch, 2 * tolerance)


DROPOUTS = [
    pytest.param({"hidden_dropout_prob": 0.2}, id="hidden"),
    pytest.param({"attention_probs_dropout_prob": 0.2}, id="attention"),
    pytest.param({"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1}, id="both"),
]
COPIES, LENGTH = 3000, 6


def with_dropout(rates: dict[str, float]) -> tuple[BertForPreTraining, nn.Module]:
    """In training, with just these rates; weights so wide that attention differs from an average."""
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    widths = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32, "num_hidden_layers": 2}
    shape = schema.Model(initializer_range=0.4, max_position_embeddings=16, **widths, **(none | rates))
    config = transformers.BertConfig(**shape.model_dump(), vocab_size=VOCAB_SIZE, attn_implementation="eager")
    theirs = transformers.BertForPreTraining(config)
    ours = BertForPreTraining(shape, VOCAB_SIZE, next_sentence_prediction=True)
    copy_weights(theirs, ours)
    return ours.train(), theirs.train()


@pytest.mark.parametrize("rates", DROPOUTS)
@torch.no_grad()
def test_dropout_scatters_hidden_states_and_losses_as_hugging_faces_does(
    make_batch: MakeBatch, rates: dict[str, float]
) -> None:
    """Over thousands of copies of one sequence: each element of the hidden states, and the losses, have the same mean
    and the same variance.
    """
    ours, theirs = with_dropout(rates)
    batch = make_batch([LENGTH] * COPIES)
    for column in (batch.packed.input_ids, batch.packed.token_type_ids):
        column.copy_(column[:LENGTH].repeat(COPIES))
    labels = torch.randint(VOCAB_SIZE, (LENGTH,)).repeat(COPIES)

    hidden, (mlm_logits, nsp_logits) = hidden_states(ours, batch.packed, torch.arange(LENGTH * COPIES))
    rows = {name: getattr(batch.packed, name).view(COPIES, LENGTH) for name in ("input_ids", "token_type_ids")}
    expected = theirs(**rows, output_hidden_states=True)

    same_scatter(hidden[-1].view(COPIES, -1), expected.hidden_states[-1].view(COPIES, -1))
    same_scatter(mlm_losses(mlm_logits, labels), mlm_losses(expected.prediction_logits.flatten(0, 1), labels))
    same_scatter(nsp_logits, expected.seq_relationship_logits)


def mlm_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """(COPIES, 1)"""
    return cross_entropy(logits, labels, reduction="none").view(COPIES, LENGTH).mean(dim=1, keepdim=True)


def same_scatter(draws: Tensor, their_draws: Tensor, most: float = 5.0) -> None:
    """Means and variances of the columns of two (draws, columns) differ by at most `most` standard errors.

    More, by chance, is one column in a million. A variance is a mean of squares, which have a variance of their own.
    """
    draws, their_draws = draws.double(), their_draws.double()
    assert (draws.var(dim=0) > 0).all()
    of_means = [part.var(dim=0) / len(part) for part in (draws, their_draws)]
    means = (draws.mean(dim=0) - their_draws.mean(dim=0)) / sum(of_means).sqrt()
    squares = [(part - part.mean(dim=0)) ** 2 for part in (draws, their_draws)]
    of_variances = [part.var(dim=0) / len(part) for part in squares]
    variances = (squares[0].mean(dim=0) - squares[1].mean(dim=0)) / sum(of_variances).sqrt()
    assert means.abs().max() <= most
    assert variances.abs().max() <= most
