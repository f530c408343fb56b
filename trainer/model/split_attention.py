"""Attention on a CPU, sequence by sequence: no work on padding, and scores that stay in the processor's cache.

torch's own kernel for the CPU has no dropout, and without it falls back on fp32 products and a mask of floats. This one
multiplies in the dtype of its inputs (bf16 under autocast: 4 times fp32's rate where the processor has it) and keeps
one number for each probability, whose sign says whether dropout took it.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

from trainer.model.dropout import draw_dropped, kept_scale

_INTEGERS = {2: torch.int16, 4: torch.int32, 8: torch.int64}
_PROBABILITIES = 1 << 20
"""Sequences of one length that lie side by side go together up to so many probabilities: 2 MiB of bf16."""


def split_attention(query: Tensor, key: Tensor, value: Tensor, lengths: list[int], dropout_p: float) -> Tensor:
    """As `attention.attention`; `lengths` are the S sequences' own."""
    attended: Tensor = _SplitAttention.apply(query, key, value, lengths, dropout_p)
    return attended


class _SplitAttention(torch.autograd.Function):
    """With probabilities P and dropout's mask and scale M: O = (M P) V, and by the softmax's derivative
    dS = P * (dP - sum(dP * P)) with dP = M * (dO V^T).
    """

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, lengths: list[int], dropout_p: float) -> Tensor:
        groups = list(_groups(lengths, query.shape[1]))
        ctx.groups = groups
        ctx.scale = query.shape[2] ** -0.5
        ctx.kept_scale = kept_scale(dropout_p)
        attended = torch.empty_like(query, memory_format=torch.contiguous_format)
        all_signed: list[Tensor] = []
        with torch.autocast("cpu", enabled=False):
            for group in groups:
                q, k, v = (_heads_first(part, group) for part in (query, key, value))
                signed = _product(q, k.transpose(1, 2), ctx.scale).softmax(-1)
                if dropout_p:
                    _sign(signed, draw_dropped(signed.shape, dropout_p))
                kept = signed.relu() if dropout_p else signed
                _put(attended, _product(kept, v, ctx.kept_scale), group)
                if any(ctx.needs_input_grad):
                    all_signed.append(signed)
        ctx.dropout_p = dropout_p
        ctx.save_for_backward(query, key, value, *all_signed)
        return attended

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        query, key, value, *all_signed = ctx.saved_tensors
        together = torch.empty(len(query), 3, *query.shape[1:], dtype=query.dtype)  # as one product made them
        d_query, d_key, d_value = together.unbind(1)
        for group, signed in zip(ctx.groups, all_signed, strict=True):
            q, k, v, d_attended = (_heads_first(part, group) for part in (query, key, value, gradients[0]))
            kept, probabilities = (signed.relu(), signed.abs()) if ctx.dropout_p else (signed, signed)
            _put(d_value, _product(kept.transpose(1, 2), d_attended, ctx.kept_scale), group)
            d_kept = _product(d_attended, v.transpose(1, 2), ctx.kept_scale)
            if ctx.dropout_p:
                d_kept = torch.ops.aten.threshold_backward(d_kept, signed, 0)
            d_scores = torch.ops.aten._softmax_backward_data(d_kept, probabilities, -1, query.dtype)
            _put(d_query, _product(d_scores, k, ctx.scale), group)
            _put(d_key, _product(d_scores.transpose(1, 2), q, ctx.scale), group)
        return d_query, d_key, d_value, None, None


Group = tuple[int, int, int]
"""The first token of some sequences that lie side by side, their number and the length that they share."""


def _groups(lengths: list[int], heads: int) -> Iterator[Group]:
    start = 0
    for length, run in groupby(lengths):
        remaining = len(list(run))
        most = max(1, _PROBABILITIES // (heads * length * length))
        while remaining:
            sequences = min(most, remaining)
            yield start, sequences, length
            start += sequences * length
            remaining -= sequences


def _heads_first(packed: Tensor, group: Group) -> Tensor:
    """(T, H, D) -> (S * H, L, D) of the group's S sequences."""
    start, sequences, length = group
    return packed[start : start + sequences * length].unflatten(0, (sequences, length)).transpose(1, 2).flatten(0, 1)


def _put(packed: Tensor, heads_first: Tensor, group: Group) -> None:
    """What `_heads_first` did, undone."""
    start, sequences, length = group
    target = packed[start : start + sequences * length].unflatten(0, (sequences, length))
    target.copy_(heads_first.unflatten(0, (sequences, -1)).transpose(1, 2))


def _product(left: Tensor, right: Tensor, scale: float) -> Tensor:
    """The batched matrix product, scaled before it is rounded."""
    shape = (left.shape[0], left.shape[1], right.shape[2])
    return torch.baddbmm(left.new_empty(shape), left, right, beta=0, alpha=scale)


def _sign(probabilities: Tensor, dropped: Tensor) -> None:
    """Give those that are dropped a minus, in place."""
    sign = dropped.to(_INTEGERS[probabilities.element_size()])
    sign.bitwise_left_shift_(8 * probabilities.element_size() - 1)
    probabilities.view(sign.dtype).bitwise_or_(sign)
