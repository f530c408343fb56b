"""YAML that is small and stands for much, or that ends Python's own patience. Tags that would call something are in
tests/config/test_load.py and tests/bad_inputs/test_weights.py.
"""

import os
from pathlib import Path

import pytest
import yaml

from trainer.compute import gpus
from trainer.config import plain_yaml
from trainer.config.load import load
from trainer.errors import ConfigError, InputError
from trainer.launch.release import planned
from trainer.model import catalogue

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 10)
)
"""Ten thousand million values in 600 characters."""
HOSTILE = {
    "a billion laughs": (LAUGHS, "its aliases stand for more than 200,000 values"),
    "an alias within itself": ("a: &a [*a]", "nested too deeply, or within itself"),
    "a million brackets": ("[" * 1_000_000, "nested too deeply"),
    "a number of 10,000 digits": (f"name: {'1' * 10_000}", "Exceeds the limit (4300 digits)"),
    "a day that is none": ("name: 2026-99-99", "month must be in 1..12"),
    "a call": ("name: !!python/object/apply:os.system [reboot]", "could not determine a constructor"),
    "too many characters": ("# " + "x" * plain_yaml.MOST_CHARACTERS, "more than 4,194,304 characters"),
}
hostile = pytest.mark.parametrize(("text", "problem"), HOSTILE.values(), ids=HOSTILE)


@pytest.fixture
def file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "hostile.yaml"
    path.write_text(text)
    return str(path)


@hostile
def test_a_run_is_refused_in_a_line(file: str, text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert problem in str(caught.value)
    assert len(str(caught.value)) < 400


@hostile
def test_the_charts_values_are_refused_in_a_line(file: str, text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        planned("quickstart", (), [file], None, "berth")
    assert problem in str(caught.value)


@hostile
def test_prices_and_a_catalogue_are_refused_in_a_line(
    file: str, text: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError) as caught:
        gpus.prices(file)
    assert problem in str(caught.value)
    monkeypatch.setenv(catalogue.VARIABLE, file)
    with pytest.raises(InputError) as caught:
        catalogue.entries()
    assert problem in str(caught.value)


@pytest.mark.parametrize("value", ["[" * 100_000, "1" * 10_000, "2026-99-99"], ids=["brackets", "digits", "a day"])
def test_an_override_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match="not YAML"):
        load("quickstart", (f"name={value}",))


def test_what_people_write_with_aliases_is_read() -> None:
    text = "a: &a {x: 1}\nb: [*a, *a]\nc: {<<: *a, y: 2}\n"
    assert (
        plain_yaml.loads(text, "x")
        == yaml.safe_load(text)
        == {"a": {"x": 1}, "b": [{"x": 1}] * 2, "c": {"x": 1, "y": 2}}
    )
    assert plain_yaml.loads("", "x") is None


def test_a_file_without_end_is_read_no_further_than_settings_go(tmp_path: Path) -> None:
    path = tmp_path / "sparse.yaml"
    with path.open("wb") as stream:
        os.truncate(stream.fileno(), 4 << 30)
    with pytest.raises(ConfigError, match=r"more than 4,194,304 characters"):
        plain_yaml.read(str(path))
