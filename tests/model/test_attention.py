import math

import pytest
import torch
from torch import Tensor

from trainer.model.attention import Kernel, attention, choose_kernel

RAGGED = [7, 1, 12, 12, 3]
FULL = [8, 8, 8]
CPU_KERNELS: list[Kernel] = ["split", "padded"]


def offsets(lengths: list[int]) -> Tensor:
    return torch.tensor([0, *lengths]).cumsum(0).int()


def query_key_value(lengths: list[int], **options: object) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    made = torch.randn(3, sum(lengths), 2, 16, dtype=torch.float64).to(**options)
    query, key, value = (part.clone().requires_grad_() for part in made)
    return query, key, value


def written_out(query: Tensor, key: Tensor, value: Tensor, lengths: list[int]) -> Tensor:
    """Attention as the paper writes it: one sequence and one head at a time."""
    results: list[Tensor] = []
    for q, k, v in zip(query.split(lengths), key.split(lengths), value.split(lengths), strict=True):
        heads = []
        for head in range(q.shape[1]):
            scores = q[:, head] @ k[:, head].T / math.sqrt(q.shape[2])
            exponentials = torch.exp(scores - scores.max(dim=1, keepdim=True).values)
            heads.append(exponentials / exponentials.sum(dim=1, keepdim=True) @ v[:, head])
        results.append(torch.stack(heads, dim=1))
    return torch.cat(results)


@pytest.mark.parametrize("lengths", [RAGGED, FULL], ids=["ragged", "full"])
@pytest.mark.parametrize("kernel", CPU_KERNELS)
def test_every_kernel_is_the_written_out_softmax(kernel: Kernel, lengths: list[int]) -> None:
    inputs = query_key_value(lengths)
    expected = written_out(*inputs, lengths)
    direction = torch.randn_like(expected)
    expected_gradients = torch.autograd.grad(expected, inputs, direction)

    attended = attention(*inputs, offsets(lengths), max(lengths), dropout_p=0.0, kernel=kernel)

    torch.testing.assert_close(attended, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(torch.autograd.grad(attended, inputs, direction), expected_gradients, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kernel", CPU_KERNELS)
def test_dropout_keeps_the_mean_and_drops_the_asked_share(kernel: Kernel) -> None:
    """With equal scores and values of one, a token's result is its kept share times 1 / (1 - p)."""
    lengths = [40, 25]
    zeros, ones = torch.zeros(65, 64, 4), torch.ones(65, 64, 4)

    attended = attention(zeros, zeros, ones, offsets(lengths), 40, dropout_p=0.25, kernel=kernel)

    kept = attended[:40, :, 0] * 0.75 * 40
    assert torch.allclose(kept, kept.round(), atol=1e-3)
    assert attended.mean().item() == pytest.approx(1.0, abs=0.01)
    assert kept.var().item() == pytest.approx(40 * 0.25 * 0.75, rel=0.15)


def test_the_kernel_fits_device_precision_and_dropout() -> None:
    cpu, cuda = torch.device("cpu"), torch.device("cuda", 0)

    assert choose_kernel(cpu, torch.bfloat16, 0.0) == "split"
    assert choose_kernel(cuda, torch.bfloat16, 0.0) == "varlen"
    assert choose_kernel(cuda, torch.bfloat16, 0.1) == "padded"
    assert choose_kernel(cuda, torch.float32, 0.0) == "padded"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU, and there is none")
@pytest.mark.parametrize("kernel", ["varlen", "padded"])
@pytest.mark.parametrize("lengths", [RAGGED, FULL], ids=["ragged", "full"])
def test_the_gpu_kernels_are_the_written_out_softmax(kernel: Kernel, lengths: list[int]) -> None:
    exact = query_key_value(lengths, device="cuda", dtype=torch.float64)
    expected = written_out(*exact, lengths)
    direction = torch.randn_like(expected)
    expected_gradients = torch.autograd.grad(expected, exact, direction)
    inputs = query_key_value(lengths, device="cuda", dtype=torch.bfloat16)

    attended = attention(*inputs, offsets(lengths).cuda(), max(lengths), dropout_p=0.0, kernel=kernel)
    gradients = torch.autograd.grad(attended, inputs, direction.bfloat16())

    torch.testing.assert_close(attended.double(), expected, rtol=0, atol=0.03)
    for gradient, expected_gradient in zip(gradients, expected_gradients, strict=True):
        torch.testing.assert_close(gradient.double(), expected_gradient, rtol=0, atol=0.08)
