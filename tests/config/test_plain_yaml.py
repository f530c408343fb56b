"""YAML is read as it was meant, or refused with its line and column."""

from pathlib import Path

import pytest

from trainer.config import plain_yaml
from trainer.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: {c: 1, c: 2}", "x.yaml, line 1, column 11: not YAML: 'c' stands twice in one section; mend the file"),
        ("a: 2001-02-30", "x.yaml: not YAML: day is out of range for month; mend the value, or put it in quotes"),
        ("a: " + "[" * 4000, "x.yaml: not YAML: it is nested too deeply, or within itself; mend the file"),
        ("a: 1\n---\nb: 2\n", "x.yaml, line 2, column 1: not YAML: found another document; mend the file"),
        ("a: \0", "x.yaml: not YAML: it holds characters that are no text; give a YAML file"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        plain_yaml.loads(text, "x.yaml")
    assert str(refusal.value) == message


def test_a_merge_may_set_a_key_that_stands_beside_it() -> None:
    text = "deep: {one: &one {<<: {x: 1, y: 2}, x: 3}}\ntwo: {<<: *one, y: 4}\n"
    assert plain_yaml.loads(text, "x.yaml") == {"deep": {"one": {"x": 3, "y": 2}}, "two": {"x": 3, "y": 4}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Grüße: 1".encode("latin-1"), "not UTF-8 at byte 2; save it as UTF-8"),
        (None, "cannot be read: is a directory; give a YAML file"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "x.yaml"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(ConfigError) as refusal:
        plain_yaml.read(str(path))
    assert str(refusal.value) == f"{path}: {message}"
