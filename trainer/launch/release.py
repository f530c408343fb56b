"""RUN, its overrides and files of the chart's values -> a release: its name, its values, its objects."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from trainer.config import plain_yaml
from trainer.config.helm import Values
from trainer.config.load import made, settings_of
from trainer.errors import ConfigError
from trainer.launch import chart
from trainer.launch.object import Object

_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Release:
    """One training run as charts/berth starts it."""

    name: str
    namespace: str
    values: dict[str, Any]
    """What the chart's defaults do not say."""

    def objects(self) -> list[Object]:
        """Raises: ConfigError: the chart refuses a value."""
        return chart.render(self.values, self.name, self.namespace)

    def manifest(self) -> str:
        """The objects as YAML, the same each time.

        Raises:
            ConfigError: the chart refuses a value, or would make up the Ray token.
        """
        if not self.values.get("ray_token", {}).get("secret"):
            remedy = "name a Secret of your own: `kubectl create secret generic NAME --from-literal=token=...`"
            raise ConfigError("ray_token.secret", "not set, and each rendering would make up another token", remedy)
        return yaml.safe_dump_all(self.objects(), sort_keys=False)


def planned(
    source: str, overrides: tuple[str, ...], files: Sequence[str], workers: int | None, namespace: str
) -> Release:
    """The release of a run.

    What is said later counts: the run, `run` of the files of values, the overrides.

    Args:
        source: a YAML file or the name of a recipe.
        overrides: such as `pretrain.max_steps=500`.
        files: of the chart's values, such as `image` and `storage`; a later one is laid over an earlier one.
        workers: Worker pods; None: as the files say.
        namespace: where it is to be.

    Raises:
        ConfigError: a setting of the run or a value is wrong.
    """
    if not _NAMESPACE.fullmatch(namespace):
        remedy = "give up to 63 lower-case letters, digits and hyphens"
        raise ConfigError("--namespace", f"{namespace!r} is not allowed", remedy)
    given: dict[str, Any] = {}
    for file in files:
        given = _laid_over(given, _read(file))
    own = given.get("run") or {}
    if not isinstance(own, dict):
        raise ConfigError("run", f"{own!r:.40} is not allowed", "give a section of the run's settings")
    run = made(_laid_over(settings_of(source), own), source, overrides)
    settings = run.model_dump(mode="json", exclude_unset=True, exclude={"name"})
    values = {**given, "run": settings} | ({} if workers is None else {"workers": workers})
    _check({**values, "run": {**settings, "name": run.name}})
    return Release(run.name, namespace, values)


def _read(file: str) -> dict[str, Any]:
    values = plain_yaml.read(file)
    if not isinstance(values, dict | None):
        raise ConfigError(file, "not a mapping of values", "see charts/berth/values.yaml")
    return values or {}


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Section by section, as Helm does."""
    both = {
        key: _laid_over(below[key], value)
        for key, value in above.items()
        if isinstance(value, dict) and isinstance(below.get(key), dict)
    }
    return {**below, **above, **both}


def _check(values: dict[str, Any]) -> None:
    try:
        Values.model_validate(values)
    except ValidationError as error:
        raise _refusal(error.errors()[0]) from None


def _refusal(error: ErrorDetails) -> ConfigError:
    field = ".".join(str(key) for key in error["loc"] if "-" not in str(key))  # no names of union members
    value, remedy = error["input"], "see its comment in charts/berth/values.yaml"
    if error["type"] == "extra_forbidden":
        return ConfigError(field, "no such value", "see charts/berth/values.yaml, or remove it")
    shown = repr(value) if isinstance(value, str | int | float | bool) else f"a {type(value).__name__}"
    return ConfigError(field, f"{shown} is not allowed", remedy)
