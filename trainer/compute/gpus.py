"""The types of GPU that a plan knows, groups of them as a user asks for, and what an hour of each costs."""

import functools
from dataclasses import dataclass
from importlib import resources
from typing import NamedTuple

import yaml

from trainer.config import plain_yaml
from trainer.errors import ConfigError


class Gpu(NamedTuple):
    """One type; gpus.yaml says where its figures are from."""

    name: str
    flops: float
    """FLOP/s of dense bf16 products, at most."""
    memory: float
    """Bytes."""
    watts: float
    devices: tuple[str, ...]
    """What the driver calls it."""


@dataclass(frozen=True)
class Group:
    """So many of one type."""

    gpu: Gpu
    count: int

    @property
    def name(self) -> str:
        return f"{self.count} x {self.gpu.name}"


@functools.cache
def known() -> dict[str, Gpu]:
    """All types by name."""
    listed = yaml.safe_load((resources.files("trainer.compute") / "gpus.yaml").read_text(encoding="utf-8"))
    return {
        name: Gpu(name, each["tflops"] * 1e12, each["memory"] * 1e9, float(each["watts"]), tuple(each["devices"]))
        for name, each in listed.items()
    }


def of_device(name: str) -> Gpu | None:
    """The type of a device, by the name that its driver gives; None where it is not known."""
    return next((gpu for gpu in known().values() if name.removeprefix("NVIDIA ") in gpu.devices), None)


def group(text: str) -> Group:
    """Read `h100:8`; the number may be left out and is then 1.

    Raises:
        ConfigError: no such type, or no number.
    """
    name, colon, count = text.partition(":")
    gpu = _named(name, "--gpus")
    if colon and not (count.isdecimal() and int(count)):
        raise ConfigError("--gpus", f"{count!r} is no number of GPUs", f"write {name}:8")
    return Group(gpu, int(count or 1))


def prices(path: str) -> dict[str, float]:
    """The price of an hour of each type, from YAML such as `h100: 2.50`.

    Raises:
        ConfigError: it cannot be read, or an entry is no GPU with its price.
    """
    given = plain_yaml.read(path)
    if not isinstance(given, dict) or not given:
        raise ConfigError(path, "is no table of prices", "give YAML such as `h100: 2.50`")
    for name, price in given.items():
        _named(str(name), path)
        if isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price < float("inf"):
            raise ConfigError(f"{path}: {name}", f"{price!r} is no price", "give a number, per hour of one GPU")
    return {str(name): float(price) for name, price in given.items()}


def _named(name: str, where: str) -> Gpu:
    if name not in known():
        raise ConfigError(where, f"{name!r} is no GPU known here", f"choose of {', '.join(known())}")
    return known()[name]
