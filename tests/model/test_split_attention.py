import math

import pytest
import torch
from torch import Tensor

from trainer.model.split_attention import split_attention

HEADS, WIDTH = 2, 8
MIXED = [5, 5, 5, 1, 9, 9, 2]
LONG = [600, 600, 600, 90]
"""Three that do not fit together into one group of equal ones, and one more."""


def query_key_value(lengths: list[int], dtype: torch.dtype) -> list[Tensor]:
    """Parts of one tensor, as the model's product makes them."""
    made = torch.randn(sum(lengths), 3, HEADS, WIDTH, dtype=dtype)
    return [part.requires_grad_() for part in made.unbind(1)]


def masks(query: Tensor, key: Tensor, lengths: list[int], p: float, seed: int) -> list[Tensor]:
    """For each sequence, (H, L, L): what dropout multiplies each probability by, read off a value of one at a time."""
    read: list[list[Tensor]] = [[] for _ in lengths]
    for token in range(max(lengths)):
        shown = torch.cat([(torch.arange(length) == token).to(query.dtype) for length in lengths])
        torch.manual_seed(seed)
        weights = split_attention(query, key, shown[:, None, None].expand_as(query), lengths, p)
        for columns, part in zip(read, weights.split(lengths), strict=True):
            if token < len(part):
                columns.append(part[..., 0].T)
    pairs = zip(query.split(lengths), key.split(lengths), strict=True)
    probabilities = [written_out_probabilities(q, k) for q, k in pairs]
    return [torch.stack(columns, dim=-1) / expected for columns, expected in zip(read, probabilities, strict=True)]


def written_out_probabilities(query: Tensor, key: Tensor) -> Tensor:
    scores = torch.einsum("qhd,khd->hqk", query, key) / math.sqrt(WIDTH)
    exponentials = torch.exp(scores - scores.max(dim=-1, keepdim=True).values)
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_with_the_same_mask_it_is_the_written_out_softmax_with_dropout(dtype: torch.dtype) -> None:
    inputs = query_key_value(MIXED, dtype)
    query, key, _ = inputs
    mask = masks(query.detach(), key.detach(), MIXED, p=0.4, seed=7)
    expected = torch.cat(
        [
            torch.einsum("hqk,khd->qhd", written_out_probabilities(q, k) * kept, v)
            for q, k, v, kept in zip(*(part.split(MIXED) for part in inputs), mask, strict=True)
        ]
    )
    direction = torch.randn_like(expected)

    torch.manual_seed(7)
    attended = split_attention(*inputs, MIXED, 0.4)

    tolerance = {"rtol": 0, "atol": 1e-12 if dtype == torch.float64 else 1e-5}
    torch.testing.assert_close(attended, expected, **tolerance)
    gradients, expected_gradients = (torch.autograd.grad(out, inputs, direction) for out in (attended, expected))
    torch.testing.assert_close(gradients, expected_gradients, **tolerance)
    factors = torch.cat([kept.flatten() for kept in mask])
    scale = 65536 / (65536 - round(0.4 * 65536))
    torch.testing.assert_close(factors, torch.where(factors > scale / 2, scale, 0).to(dtype), rtol=1e-4, atol=0)
    assert 0.3 < (factors == 0).double().mean() < 0.5


@pytest.mark.parametrize("dropout_p", [0.0, 0.25])
def test_its_gradients_are_those_of_differences(dropout_p: float) -> None:
    inputs = query_key_value([4, 4, 3], torch.float64)

    def attend(*parts: Tensor) -> Tensor:
        torch.manual_seed(3)
        return split_attention(*parts, [4, 4, 3], dropout_p)

    assert torch.autograd.gradcheck(attend, inputs, fast_mode=True)


def test_groups_of_equal_lengths_are_sequences_of_their_own() -> None:
    query, key, value = query_key_value(LONG, torch.float64)

    together = split_attention(query, key, value, LONG, 0.0)

    alone = [
        split_attention(*parts, [len(parts[0])], 0.0)
        for parts in zip(*(part.split(LONG) for part in (query, key, value)), strict=True)
    ]
    torch.testing.assert_close(together, torch.cat(alone), rtol=0, atol=1e-12)


@pytest.mark.parametrize("dropout_p", [0.0, 0.1])
def test_bf16_stays_near_fp64(dropout_p: float) -> None:
    inputs = query_key_value([130, 70], torch.bfloat16)
    exact = [part.detach().double().requires_grad_() for part in inputs]
    direction = torch.randn_like(inputs[0])

    results = []
    for parts in (inputs, exact):
        torch.manual_seed(5)
        attended = split_attention(*parts, [130, 70], dropout_p)
        results.append([attended, *torch.autograd.grad(attended, parts, direction.to(attended.dtype))])

    for rounded, expected in zip(*results, strict=True):
        assert rounded.dtype == torch.bfloat16
        assert (rounded.double() - expected).norm() <= 0.01 * expected.norm()


def test_each_call_drops_others_and_the_seed_decides_which() -> None:
    query, key, value = query_key_value([20], torch.float32)

    torch.manual_seed(1)
    first, second = (split_attention(query, key, value, [20], 0.5) for _ in range(2))
    torch.manual_seed(1)
    again = split_attention(query, key, value, [20], 0.5)

    assert torch.equal(first, again)
    assert not torch.equal(first, second)
