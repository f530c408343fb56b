"""GPU types, groups of them and their prices, and what is wrong with one."""

from pathlib import Path

import pytest

from trainer.compute import gpus
from trainer.errors import ConfigError


def test_a_group_is_a_type_and_a_number() -> None:
    assert gpus.group("h100:8") == gpus.Group(gpus.known()["h100"], 8)
    assert gpus.group("l4") == gpus.Group(gpus.known()["l4"], 1)


def test_a_device_is_known_by_the_name_that_its_driver_gives() -> None:
    assert gpus.of_device("NVIDIA H100 80GB HBM3") == gpus.known()["h100"]
    assert gpus.of_device("NVIDIA A100-SXM4-40GB") == gpus.known()["a100-40gb"]
    assert gpus.of_device("NVIDIA GeForce RTX 4090") is None


def test_no_two_types_share_a_device() -> None:
    devices = [device for gpu in gpus.known().values() for device in gpu.devices]
    assert len(devices) == len(set(devices))


def test_an_unknown_type_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"--gpus: 'h1000' is no GPU known here; choose of b200, .*, l4"):
        gpus.group("h1000:8")


@pytest.mark.parametrize("text", ["h100:", "h100:0", "h100:many", "h100:-1"])
def test_a_group_without_a_number_of_gpus_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"is no number of GPUs; write h100:8"):
        gpus.group(text)


def test_prices_are_by_type(tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text("h100: 2.50\na100: 1\n")

    assert gpus.prices(str(tmp_path / "prices.yaml")) == {"h100": 2.5, "a100": 1.0}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("h1000: 1", "'h1000' is no GPU known here"),
        ("h100: dear", "h100: 'dear' is no price"),
        ("h100: -1", "h100: -1 is no price"),
        ("h100: true", "h100: True is no price"),
        ("- h100", "is no table of prices"),
        ("", "is no table of prices"),
        ("h100: [", "not YAML"),
    ],
)
def test_a_bad_table_of_prices_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text(text)

    with pytest.raises(ConfigError) as caught:
        gpus.prices(str(file))
    assert problem in str(caught.value)
    assert str(file) in str(caught.value)


def test_prices_that_are_not_there_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"nowhere.yaml: cannot be read"):
        gpus.prices("nowhere.yaml")
