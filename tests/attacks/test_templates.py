"""Values of the charts that try to be more than text: a Helm template, YAML, a shell.

Each poison stands at once in all values that take it. What is rendered has to be what harmless text gives, with the
poison as text in its place: no field more, no field less, no other kind.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from tests.charts import chart, test_berth_corpus
from trainer.config import helm, helm_corpus

Place = tuple[str | int, ...]
Render = Callable[[dict[str, Any]], dict[str, str]]

MARK = "harmless"
POISONS = {
    "a template": "{{ .Release.Name }}",
    "a template's end": '{{- end }}{{ fail "reached" }}',
    "a shell": "$(reboot)",
    "an older shell": "`id`; reboot",
    "another field": "x\nhostNetwork: true",
    "another field below": "x\n      hostPID: true\n        privileged: true",
    "the next field": "x, privileged: true",
    "the end of a flow": "x}, {name: more, value: more",
    "a double quote": 'x", "y": "z',
    "a single quote": "x', 'y': 'z",
    "a comment": "x # y",
    "an anchor": "&x",
    "an alias": "*x",
    "a tag": "!!python/object/apply:os.system [reboot]",
    "another document": "x\n---\nkind: Pod",
    "a block": "|\n  x",
    "truth": "true",
    "nothing": "null",
    "a number": "0123",
    "an exponent": "1e3",
    "control characters": "x\x1b[2J\x07\u2028y",
}

RUN: dict[str, Any] = chart.with_values(
    chart.EVERYTHING,
    image={"tag": "1", "repository": "berth", "pull_secrets": ["puller"]},
    storage={"claim": "texts", "secret": "object-store", "mount_path": "/storage"},
    ray_token={"key": "ray"},
    run__vocab={"path": "vocab.txt"},
    run__squad=[{"name": "s", "train": ["train.json"], "dev": "dev.json"}],
)
CORPUS: dict[str, Any] = chart.with_values(
    test_berth_corpus.EVERYTHING, image={"tag": "1", "repository": "berth"}, storage={"claim": "texts"}
)
CHARTS = pytest.mark.parametrize(
    ("base", "values", "render"),
    [(RUN, helm.Values, chart.render), (CORPUS, helm_corpus.CorpusValues, test_berth_corpus.render)],
    ids=["berth", "berth-corpus"],
)


def places(part: Any, place: Place = ()) -> Iterator[Place]:
    """Where text stands in values."""
    if isinstance(part, str):
        yield place
    elif isinstance(part, dict | list):
        for key, inner in part.items() if isinstance(part, dict) else enumerate(part):
            yield from places(inner, (*place, key))


def with_text(part: Any, texts: dict[Place, str], place: Place = ()) -> Any:
    """The values with other texts at some places."""
    if isinstance(part, dict):
        return {key: with_text(inner, texts, (*place, key)) for key, inner in part.items()}
    if isinstance(part, list):
        return [with_text(inner, texts, (*place, index)) for index, inner in enumerate(part)]
    return texts.get(place, part)


def taken(base: dict[str, Any], values: type[BaseModel], text: str) -> list[Place]:
    """The places at which the schema takes this text and a harmless one."""
    found: list[Place] = []
    for place in places(base):
        with contextlib.suppress(ValidationError):
            for each in (MARK, text):
                values.model_validate(with_text(base, {place: text_at(place, each)}))
            found.append(place)
    return found


def text_at(place: Place, text: str) -> str:
    """The text, where it has to be a path or URI as the end of one."""
    return {"mount_path": "/", "storage": "s3://"}.get(str(place[-1]), "") + text


def replaced(part: Any, text: str) -> Any:
    """What harmless text gave, with `text` in its place."""
    if isinstance(part, dict):
        return {replaced(key, text): replaced(inner, text) for key, inner in part.items()}
    if isinstance(part, list):
        return [replaced(inner, text) for inner in part]
    return part.replace(MARK, text) if isinstance(part, str) else part


def parsed(texts: dict[str, str]) -> dict[tuple[str, str], Any]:
    """The objects; of the files that pods read, what they hold, and of a Secret that is made the keys alone."""
    objects = chart.parsed(texts)
    for (kind, _), item in objects.items():
        if kind == "ConfigMap":
            item["data"] = {name: yaml.safe_load(text) for name, text in item["data"].items()}
        elif kind == "Secret":
            item["data"] = dict.fromkeys(item["data"])
    return objects


@CHARTS
@pytest.mark.parametrize("poison", POISONS.values(), ids=POISONS)
def test_a_value_is_text_whatever_it_says(
    base: dict[str, Any], values: type[BaseModel], render: Render, poison: str
) -> None:
    there = taken(base, values, poison)
    assert ("image", "repository") in there
    harmless, poisoned = (
        parsed(render(with_text(base, {place: text_at(place, text) for place in there}))) for text in (MARK, poison)
    )
    assert poisoned == replaced(harmless, poison)
