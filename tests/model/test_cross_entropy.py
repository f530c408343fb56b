import pytest
import torch
from torch import Tensor
from torch.nn import functional

from trainer.model.cross_entropy import cross_entropy

DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=[
            pytest.mark.gpu,
            pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU, and there is none"),
        ],
    ),
]


def made(rows: int, vocab_size: int, dtype: torch.dtype, device: str = "cpu") -> tuple[Tensor, Tensor]:
    logits = (5 * torch.randn(rows, vocab_size)).to(device, dtype).requires_grad_()
    labels = torch.randint(vocab_size, (rows,), device=device)
    labels[: rows // 2] = logits[: rows // 2].argmax(-1)
    return logits, labels


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
@pytest.mark.parametrize("shape", [(7, 11), (1, 2), (90, 30522)], ids=["narrow", "a pair", "many chunks"])
def test_loss_gradient_and_hits_are_torchs(
    shape: tuple[int, int], dtype: torch.dtype, tolerance: float, device: str
) -> None:
    logits, labels = made(*shape, dtype, device)
    expected = functional.cross_entropy(logits, labels, reduction="sum")

    loss, correct = cross_entropy(logits, labels)

    torch.testing.assert_close(loss, expected, rtol=tolerance, atol=tolerance)
    gradients = [torch.autograd.grad(0.3 * one, logits)[0] for one in (loss, expected)]
    torch.testing.assert_close(*gradients, rtol=tolerance, atol=tolerance)
    assert correct == (logits.argmax(-1) == labels).sum()


def test_bf16_logits_have_an_fp32_loss_and_a_bf16_gradient() -> None:
    logits, labels = made(50, 3000, torch.bfloat16)
    wide = logits.detach().double().requires_grad_()
    expected = functional.cross_entropy(wide, labels, reduction="sum")

    loss, _ = cross_entropy(logits, labels)

    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    (gradient,), (expected_gradient,) = torch.autograd.grad(loss, logits), torch.autograd.grad(expected, wide)
    torch.testing.assert_close(gradient.double(), expected_gradient, rtol=2**-8, atol=1e-9)


def test_a_label_of_no_probability_has_a_finite_loss() -> None:
    logits = torch.tensor([[0.0, -1000.0]], requires_grad=True)

    loss, correct = cross_entropy(logits, torch.tensor([1]))

    assert loss.item() == pytest.approx(1000)
    assert correct == 0
    assert torch.equal(torch.autograd.grad(loss, logits)[0], torch.tensor([[1.0, -1.0]]))


def test_logits_stay_as_they_are() -> None:
    logits, labels = made(5, 9, torch.float32)
    before = logits.detach().clone()

    cross_entropy(logits, labels)[0].backward()

    assert torch.equal(logits, before)


def test_a_second_backward_pass_is_refused() -> None:
    logits, labels = made(5, 9, torch.float32)
    loss, _ = cross_entropy(logits, labels)
    loss.backward(retain_graph=True)

    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_no_rows_are_a_loss_of_zero() -> None:
    logits, labels = torch.zeros(0, 9, requires_grad=True), torch.zeros(0, dtype=torch.int64)

    loss, correct = cross_entropy(logits, labels)
    loss.backward()

    assert loss == 0
    assert correct == 0
