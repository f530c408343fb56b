"""YAML, or the name of a recipe, plus dotted overrides -> `Run` or `CorpusRun`; errors name field, value and remedy."""

import difflib
import hashlib
import json
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from trainer.config.corpus import CorpusRun
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
        return _settings(recipe.read_text(encoding="utf-8"), source)
    if Path(source).is_file():
        return _read_file(source)
    raise ConfigError(source, "no such file or recipe", f"give a YAML file or one of {', '.join(recipe_names())}")


def parse(text: str, source: str) -> Run:
    """Read a run from YAML text; `source` names it in errors.

    Raises:
        ConfigError: with the first fault.
    """
    return _validated(_settings(text, source), source, Run)


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
    if not Path(source).is_file():
        raise ConfigError(source, "no such file", "give a YAML file with storage, corpus and vocab")
    return _validated(_overridden(_read_file(source), overrides), source, CorpusRun)


def _overridden(settings: dict[str, Any], overrides: tuple[str, ...]) -> dict[str, Any]:
    for override in overrides:
        _apply(settings, override)
    return settings


def _validated(settings: dict[str, Any], source: str, kind: type[_Kind]) -> _Kind:
    try:
        return kind.model_validate(settings)
    except ValidationError as error:
        raise _explained(error.errors()[0], settings, source, kind) from None


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


def _read_file(source: str) -> dict[str, Any]:
    try:
        text = Path(source).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(source, f"cannot be read: {error}", "give a UTF-8 YAML file") from error
    return _settings(text, source)


def _settings(text: str, source: str) -> dict[str, Any]:
    try:
        settings = yaml.safe_load(text)
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
        raise ConfigError(source, f"not YAML: {problem}", "mend the file") from error
    if not isinstance(settings, dict):
        raise ConfigError(source, "not a mapping of settings", "begin with `name:`")
    return settings


def _apply(settings: dict[str, Any], override: str) -> None:
    field, equals, text = override.partition("=")
    keys = field.split(".")
    if not equals or not all(keys):
        raise ConfigError(override, "not an override", "write section.field=value")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(override, "its value is not YAML", "quote it") from error
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


_EXPECTED = {
    "bool_parsing": "true or false",
    "float_parsing": "a number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "model_type": "a section of settings",
    "string_pattern_mismatch": "up to 40 lower-case letters, digits and hyphens",
    "string_type": "text",
    "tuple_type": "a list",
}


def _explained(fault: ErrorDetails, settings: Any, source: str, kind: type[BaseModel]) -> ConfigError:
    location = [str(key) for key in fault["loc"] if not set("[]()-") & set(str(key))]  # no names of union members
    if location[1:2] == ["0"] and isinstance(settings.get(location[0]), dict):  # one stage, written without a list
        del location[1]
    field = ".".join(location)
    value = fault["input"]
    match fault["type"]:
        case "extra_forbidden":
            near = difflib.get_close_matches(location[-1], _fields(kind, location[:-1]), n=1, cutoff=0.5)
            return ConfigError(field, "no such setting", f"did you mean {near[0]}?" if near else "remove it")
        case "value_error":  # from our own validators: "field problem; remedy"
            name, _, text = fault["msg"].removeprefix("Value error, ").partition(" ")
            problem, _, remedy = text.partition("; ")
            return ConfigError(".".join([*location, name]), problem, remedy)
        case "missing":
            return ConfigError(field or source, "not set", "set it")
        case other:
            expected = _EXPECTED.get(other, fault["msg"].removeprefix("Input should be "))
            shown = repr(value) if isinstance(value, str | int | float | bool) else f"a {type(value).__name__}"
            return ConfigError(field, f"{shown} is not allowed", f"give {expected}")


def _fields(section: type[BaseModel], location: list[str]) -> list[str]:
    """The names of the settings in a section, found by walking down the schema."""
    for key in location:
        if key in section.model_fields:
            section = next(iter(_sections(section.model_fields[key].annotation)), section)
    return list(section.model_fields)


def _sections(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _sections(part)]
