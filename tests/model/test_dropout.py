import pytest
import torch
from torch import Tensor

from trainer.model.dropout import Dropout, draw_dropped, kept_scale


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_elements_are_dropped_or_scaled_and_so_are_their_gradients(dtype: torch.dtype) -> None:
    hidden = torch.randn(50, 7, dtype=dtype, requires_grad=True)

    dropped = Dropout(0.3)(hidden)
    (gradient,) = torch.autograd.grad(dropped, hidden, torch.full_like(dropped, 2))

    kept = dropped != 0
    scaled = (hidden * kept_scale(0.3)).detach()
    assert 0 < kept.sum() < hidden.numel()
    assert dropped.dtype == dtype
    torch.testing.assert_close(dropped.detach(), torch.where(kept, scaled, 0))
    torch.testing.assert_close(gradient, torch.where(kept, 2 * kept_scale(0.3), 0).to(dtype))


@pytest.mark.parametrize("p", [0.0001, 0.1, 0.5, 0.9])
def test_the_share_that_is_dropped_is_the_one_asked_for(p: float) -> None:
    draws = 2_000_000

    share = draw_dropped((1000, draws // 1000), p).double().mean().item()

    assert share == pytest.approx(p, abs=1 / 131072 + 4 * (p * (1 - p) / draws) ** 0.5)


@pytest.mark.parametrize("p", [0.00001, 0.1, 0.123456, 0.5])
def test_the_mean_is_kept_to_the_last_digit(p: float) -> None:
    kept = round((1 - p) * 65536)  # of the 65,536 numbers that 16 bits can be

    assert kept / 65536 * kept_scale(p) == pytest.approx(1, abs=1e-12)


def test_neighbours_are_dropped_independently() -> None:
    dropped = draw_dropped((1_000_000,), 0.25).double()

    for distance in (1, 2, 3, 4, 5, 256):
        both = (dropped[:-distance] * dropped[distance:]).mean().item()
        assert both == pytest.approx(0.25**2, abs=0.0012)


def test_torchs_seed_decides_what_is_dropped() -> None:
    def draw(seed: int) -> list[Tensor]:
        torch.manual_seed(seed)
        return [Dropout(0.5)(torch.ones(100)) for _ in range(2)]

    first, second = draw(1)
    assert torch.equal(torch.stack(draw(1)), torch.stack([first, second]))
    assert not torch.equal(first, second)
    assert not torch.equal(first, draw(2)[0])


def test_nothing_is_dropped_in_evaluation_or_at_a_share_of_zero() -> None:
    ones = torch.ones(100)

    assert Dropout(0.5).eval()(ones) is ones
    assert Dropout(0.0)(ones) is ones


def test_almost_nothing_is_left_at_a_share_of_one() -> None:
    assert Dropout(1.0)(torch.ones(10_000)).count_nonzero() < 10


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU, and there is none")
def test_a_gpu_drops_the_asked_share() -> None:
    dropped = Dropout(0.25)(torch.ones(1_000_000, device="cuda"))

    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.002)
    assert dropped.mean().item() == pytest.approx(1, abs=0.003)
