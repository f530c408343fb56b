"""What a comparison with `transformers` needs: its layout of a batch, and how far numbers are from its numbers."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from trainer.model import hf
from trainer.model.packing import Packed, pad, padded_positions

NOT_A_LABEL = -100
"""What cross entropy passes over."""


def relative_difference(actual: Tensor, expected: Tensor) -> float:
    """The largest difference between two elements as a share of the largest element; 0 is equal."""
    assert actual.shape == expected.shape, (actual.shape, expected.shape)
    return float((actual - expected).detach().abs().max() / expected.detach().abs().max())


def gradient_differences(ours: nn.Module, theirs: nn.Module) -> dict[str, float]:
    """The relative difference of the gradient of each parameter of ours; all of them must have one.

    What is added to all scores of a softmax changes nothing: the true gradient of a key's bias is 0, that of the QA
    head's bias too, and both sides hold nothing but rounding. Where theirs is a millionth of the model's largest
    element, the difference is a share of that one.
    """
    gradients = {name: parameter.grad for name, parameter in theirs.named_parameters()}
    largest = max(gradient.abs().max() for gradient in gradients.values() if gradient is not None)
    differences: dict[str, float] = {}
    for name, parameter in ours.named_parameters():
        expected = torch.cat([gradients[their] for their in hf.hf_names(name)])
        scale = expected.abs().max() if expected.abs().max() > 1e-6 * largest else largest
        differences[name] = float((parameter.grad - expected).abs().max() / scale)
    return differences


def assert_all_below(differences: dict[str, float], tolerance: float) -> None:
    assert {name: difference for name, difference in differences.items() if not difference <= tolerance} == {}


def padded(inputs: Any, length: int | None = None) -> dict[str, Tensor]:
    """The inputs of a task as `transformers` takes them: padded to (S, L), and its labels, whichever the task has.

    L is `length`, or the longest of the S sequences.
    """
    packed: Packed = inputs.packed
    rows, width = len(packed.cu_seqlens) - 1, length or packed.max_seqlen
    positions = padded_positions(packed.cu_seqlens, width, len(packed.input_ids))

    def in_rows(column: Tensor) -> Tensor:
        return pad(column, positions, rows, width)

    columns = {
        "input_ids": in_rows(packed.input_ids),
        "token_type_ids": in_rows(packed.token_type_ids),
        "attention_mask": in_rows(torch.ones_like(packed.input_ids)),
    }
    if not hasattr(inputs, "masked_positions"):
        return columns | {"start_positions": inputs.start_positions, "end_positions": inputs.end_positions}
    labels = torch.full((rows * width,), NOT_A_LABEL)
    labels[positions[inputs.masked_positions]] = inputs.labels
    columns["labels"] = labels.view(rows, width)
    if inputs.next_sentence_labels is not None:
        columns["next_sentence_label"] = inputs.next_sentence_labels
    return columns


def span_loss(output: Any, columns: dict[str, Tensor]) -> Tensor:
    """The loss of a `BertForQuestionAnswering` of `transformers`, if padding could be no answer.

    Its own lets padding take part in the softmax, so it is this one only where all rows are full.
    """
    outside = columns["attention_mask"] == 0
    starts, ends = (logits.masked_fill(outside, -torch.inf) for logits in (output.start_logits, output.end_logits))
    return (cross_entropy(starts, columns["start_positions"]) + cross_entropy(ends, columns["end_positions"])) / 2
