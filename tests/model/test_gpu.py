"""What holds on an NVIDIA GPU: its kernels give what the CPU's gives, in both 16-bit formats."""

import pytest
import torch
from torch import Tensor

from trainer.model.attention import Kernel, attention

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU, and there is none"),
]
TOLERANCES = {torch.bfloat16: 2e-2, torch.float16: 3e-3}
"""Relative to the largest element; the formats round at 4e-3 and 5e-4."""


def output_and_gradients(
    inputs: list[Tensor], direction: Tensor, lengths: list[int], device: str, kernel: Kernel
) -> list[Tensor]:
    parts = [part.to(device).requires_grad_() for part in inputs]
    cu_seqlens = torch.tensor([0, *lengths]).cumsum(0).int().to(device)
    attended = attention(*parts, cu_seqlens, max(lengths), dropout_p=0.0, kernel=kernel)
    gradients = torch.autograd.grad(attended, parts, direction.to(device, attended.dtype))
    return [part.float().cpu() for part in (attended, *gradients)]


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
@pytest.mark.parametrize("kernel", ["varlen", "padded"])
@pytest.mark.parametrize("lengths", [[7, 1, 128, 33], [64, 64], [512]], ids=["ragged", "full", "single"])
def test_a_kernel_of_the_gpu_is_that_of_the_cpu(kernel: Kernel, lengths: list[int], dtype: torch.dtype) -> None:
    """The CPU's runs in fp32 on the same rounded inputs."""
    torch.manual_seed(0)
    inputs = [torch.randn(sum(lengths), 4, 64).to(dtype) for _ in range(3)]
    direction = torch.randn(sum(lengths), 4, 64).to(dtype)

    found = output_and_gradients(inputs, direction, lengths, "cuda", kernel)
    expected = output_and_gradients([part.float() for part in inputs], direction, lengths, "cpu", "split")

    for name, actual, wanted in zip(("output", "query", "key", "value"), found, expected, strict=True):
        assert (actual - wanted).abs().max() <= TOLERANCES[dtype] * wanted.abs().max(), name
