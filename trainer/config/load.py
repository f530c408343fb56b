"""YAML, or the name of a recipe, plus dotted overrides -> `Run` or `CorpusRun`; errors name field, value and remedy."""

import difflib
import hashlib
import json
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from trainer.config import plain_yaml
from trainer.config.corpus import CorpusRun
from trainer.config.faults import explained
from trainer.config.recipes import RECIPES, recipe_names
from trainer.config.schema import Run, Squad
from trainer.errors import ConfigError

_Kind = TypeVar("_Kind", Run, CorpusRun)

MAY_CHANGE = frozenset({"scaling", "limits", "checkpoint", "tracking"})
"""Sections that do not shape the result, so that a run may go on under other values of them."""


def load(source: str, overrides: tuple[str, ...] = ()) -> Run:
    """Read a run.

    Args:
        source: a YAML file or the name of a recipe.
        overrides: such as `pretrain.max_steps=500` or `squad.0.epochs=1`; values are YAML.

    Raises:
        ConfigError: the file, an override or a value is wrong.
    """
    return _validated(_overridden(settings_of(source), overrides), source, Run)


def settings_of(source: str) -> dict[str, Any]:
    """What a YAML file or a recipe says, as it is written.

    Raises:
        ConfigError: there is none, or it is no mapping.
    """
    recipe = RECIPES / f"{source}.yaml"
    if "/" not in source and recipe.is_file():
        return _settings(plain_yaml.loads(recipe.read_text(encoding="utf-8"), source), source)
    if Path(source).exists() and source:
        return _settings(plain_yaml.read(source), source)
    near = difflib.get_close_matches(source, recipe_names(), n=1)
    remedy = f"did you mean {near[0]}?" if near else f"give a YAML file or one of {', '.join(recipe_names())}"
    raise ConfigError(source or "''", "no such file or recipe", remedy)


def parse(text: str, source: str) -> Run:
    """Read a run from YAML text; `source` names it in errors.

    Raises:
        ConfigError: with the first fault.
    """
    return _validated(_settings(plain_yaml.loads(text, source), source), source, Run)


def made(settings: dict[str, Any], source: str, overrides: tuple[str, ...] = ()) -> Run:
    """A run of settings that are no file; `source` names them in errors.

    Raises:
        ConfigError: as `load`.
    """
    return _validated(_overridden(settings, overrides), source, Run)


def load_corpus(source: str, overrides: tuple[str, ...] = ()) -> CorpusRun:
    """Read a corpus to prepare, from a YAML file.

    Raises:
        ConfigError: as `load`.
    """
    if not Path(source).exists() or not source:
        raise ConfigError(source or "''", "no such file", "give a YAML file with storage, corpus and vocab")
    return _validated(_overridden(_settings(plain_yaml.read(source), source), overrides), source, CorpusRun)


def _overridden(settings: dict[str, Any], overrides: tuple[str, ...]) -> dict[str, Any]:
    for override in overrides:
        _apply(settings, override)
    return settings


def _validated(settings: dict[str, Any], source: str, kind: type[_Kind]) -> _Kind:
    try:
        return kind.model_validate(settings)
    except ValidationError as error:
        raise explained(error.errors(), settings, source, kind) from None


def as_settings(run: Run) -> dict[str, Any]:
    """The run in the words of its YAML, every default said."""
    return run.model_dump(mode="json")


def dump(run: Run) -> str:
    """The run as YAML that `load` reads back."""
    return yaml.safe_dump(as_settings(run), sort_keys=False, allow_unicode=True)


def fingerprint(run: Run, stage: str) -> str:
    """SHA-256 of all settings that shape a stage's result: its own, and those of what comes before it."""
    settings = run.model_dump(mode="json", exclude=_excluding("pretrain", "squad"))
    names = [entry.name for entry in run.pretrain]
    before = run.pretrain[: names.index(stage) + 1] if stage in names else run.pretrain
    settings["stages"] = [entry.model_dump(mode="json") for entry in before]
    settings["stages"] += [entry.model_dump(mode="json") for entry in _trials(run) if entry.name == stage]
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def differences(old: Run, new: Run) -> list[tuple[str, Any, Any]]:
    """(field, old value, new value) of what differs and shapes the result; SQuAD stages and trials may come and go."""
    before, after = _shaping(old), _shaping(new)
    shared = before["squad"].keys() & after["squad"].keys()
    for settings in (before, after):
        settings["squad"] = {name: settings["squad"][name] for name in sorted(shared)}
    return differing(before, after)


def _shaping(run: Run) -> dict[str, Any]:
    settings = run.model_dump(mode="json", exclude=_excluding("squad"))
    return settings | {"squad": {stage.name: stage.model_dump(mode="json") for stage in _trials(run)}}


def _trials(run: Run) -> list[Squad]:
    return [stage for stage in run.stages if isinstance(stage, Squad)]


def _excluding(*more: str) -> dict[str, Any]:
    """What pydantic leaves out of the settings that shape a result. A prepared corpus is known by what it holds, not by
    where it lies: the run's folder keeps its manifest and `prepared.adopt` refuses another one.
    """
    return dict.fromkeys(("name", "storage", *MAY_CHANGE, *more), True) | {"corpus": {"prepared", "wait_minutes"}}


def differing(old: Any, new: Any, field: str = "") -> list[tuple[str, Any, Any]]:
    """(field, old value, new value) of what differs between two values of a YAML; None is what is not there."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [*old, *(key for key in new if key not in old)]
        return [found for key in keys for found in differing(old.get(key), new.get(key), f"{field}.{key}".lstrip("."))]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [
            found
            for index, pair in enumerate(zip(old, new, strict=True))
            for found in differing(*pair, f"{field}.{index}")
        ]
    return [] if old == new else [(field, old, new)]


def _settings(given: Any, source: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        problem = "holds nothing" if given is None else "not a section of settings"
        raise ConfigError(source, problem, "write a setting a line, such as `storage: runs`")
    return given


def _apply(settings: dict[str, Any], override: str) -> None:
    field, equals, text = override.partition("=")
    keys = field.split(".")
    if not equals or not all(keys):
        raise ConfigError(override, "not an override", "write section.field=value")
    try:
        value = plain_yaml.loads(text, override)
    except ConfigError as error:
        raise ConfigError(override, "its value is not YAML", f"quote it: '{field}=\"...\"'") from error
    place: Any = settings
    for key in keys[:-1]:
        if isinstance(place, list):
            place = place[_index(place, key, override)]
        else:
            if place.get(key) is None:
                place[key] = {}
            place = place[key]
        if not isinstance(place, dict | list):
            raise ConfigError(override, f"{key} is a value, not a section", "check the field's name")
    if isinstance(place, list):
        place[_index(place, keys[-1], override)] = value
    else:
        place[keys[-1]] = value


def _index(entries: list[Any], key: str, override: str) -> int:
    if not key.isdecimal() or int(key) >= len(entries):
        raise ConfigError(override, f"{key!r} is no entry of a list of {len(entries)}", "count from 0")
    return int(key)
