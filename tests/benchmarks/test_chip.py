"""The peaks that shares are measured by."""

import pytest

from tests.benchmarks.chip import chip_of


@pytest.mark.parametrize(
    ("device", "teraflops"),
    [
        ("NVIDIA H100 80GB HBM3", 989),
        ("NVIDIA H100 PCIe", 756),
        ("NVIDIA H200", 989),
        ("NVIDIA A100-SXM4-80GB", 312),
        ("NVIDIA L40S", 362),
        ("NVIDIA L4", 121),
    ],
)
def test_a_chip_is_known_by_the_name_of_the_device(device: str, teraflops: int) -> None:
    chip = chip_of(device)

    assert chip is not None
    assert chip.peak == teraflops * 1e12


def test_a_chip_that_nobody_knows_has_no_peak() -> None:
    assert chip_of("GeForce") is None
