"""What pydantic finds wrong with settings -> one `ConfigError`, of the first fault."""

import difflib
from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from trainer.errors import ConfigError

_EXPECTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "model_type": "a section of settings",
    "string_pattern_mismatch": "up to 40 lower-case letters, digits and hyphens",
    "string_type": "text",
    "tuple_type": "a list",
}
_BOUNDS = {
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "{ge:g} or more",
    "less_than": "less than {lt:g}",
    "less_than_equal": "{le:g} or less",
    "too_long": "a list of at most {max_length}",
    "too_short": "a list of at least {min_length}",
}
_MEMBERS = {"bool", "float", "int", "str"}
"""What pydantic calls the kinds of value that a field may have, beside names with brackets or hyphens."""


def explained(faults: Sequence[ErrorDetails], settings: Any, source: str, kind: type[BaseModel]) -> ConfigError:
    """The error to raise for settings of a kind; `source` is where they are from."""
    first = _location(faults[0])
    here = [fault for fault in faults if _location(fault)[: len(first)] == first]
    fault = max(here, key=lambda each: len(_location(each)))  # of kinds of value, the one that fits at its outside
    location = _location(fault)
    if location[1:2] == ["0"] and isinstance(settings.get(location[0]), dict):  # one stage, written without a list
        del location[1]
    field = ".".join(location)
    match fault["type"]:
        case "extra_forbidden":
            near = difflib.get_close_matches(location[-1], _fields(kind, location[:-1]), n=1, cutoff=0.5)
            return ConfigError(field, "no such setting", f"did you mean {near[0]}?" if near else "remove it")
        case "invalid_key":
            return ConfigError(field, "no such setting", "remove it; the names of settings are text")
        case "value_error":  # from our own validators: "field problem; remedy"
            name, _, text = fault["msg"].removeprefix("Value error, ").partition(" ")
            problem, _, remedy = text.partition("; ")
            return ConfigError(".".join([*location, name]), problem, remedy)
        case "missing":
            return ConfigError(field or source, "not set", "set it")
        case _:
            expected = dict.fromkeys(_expected(each) for each in here if _location(each) == _location(fault))
            return ConfigError(field, f"{_shown(fault['input'])} is not allowed", f"give {', or '.join(expected)}")


def _location(fault: ErrorDetails) -> list[str]:
    """Without the kinds of value that pydantic names on the way; what is no setting may have any name."""
    unknown = len(fault["loc"]) - 1 if fault["type"] == "extra_forbidden" else None
    kinds = [bool(set("[]()-") & set(str(key))) or key in _MEMBERS for key in fault["loc"]]
    return [str(key) for place, key in enumerate(fault["loc"]) if place == unknown or not kinds[place]]


def _expected(fault: ErrorDetails) -> str:
    if bound := _BOUNDS.get(fault["type"]):
        return bound.format(**fault.get("ctx", {}))
    return _EXPECTED.get(fault["type"], fault["msg"].removeprefix("Input should be "))


def _shown(value: Any) -> str:
    """In YAML's words, and short: a list may be of any size."""
    match value:
        case None | True | False:
            return {None: "null", True: "true", False: "false"}[value]
        case list():
            return "a list"
        case dict():
            return "a section"
        case _:
            return repr(value) if isinstance(value, str | int | float) else str(value)


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
