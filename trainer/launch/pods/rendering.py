"""RUN -> what the chart makes of it on a machine without volumes, object stores and a network.

Values that are given count as on a cluster. Without them each Worker pod has one worker, and what would lie on a volume
lies in a folder.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.config.load import as_settings, parse
from trainer.config.schema import Run
from trainer.errors import ConfigError
from trainer.launch.object import Object
from trainer.launch.pods.folder import only
from trainer.launch.release import planned


@dataclass(frozen=True)
class Rendering:
    """A run as it is started on this machine."""

    name: str
    objects: Sequence[Object]
    volume: Path
    """The folder that stands for the volume of the run's storage."""


def rendered(source: str, overrides: tuple[str, ...], files: Sequence[str], pods: int) -> Rendering:
    """What `berth submit` would create, for a Master and `pods` - 1 Workers.

    Args:
        source: a YAML file or the name of a recipe.
        overrides: such as `pretrain.max_steps=500`.
        files: of the chart's values.
        pods: the Master's and the Workers'.

    Raises:
        ConfigError: a setting or a value is wrong, or needs what the pods of this machine do not have.
    """
    release = planned(source, overrides, files, pods - 1, "default")
    if release.values.get("job", {}).get("suspend"):
        raise ConfigError("job.suspend", "true, and pods of this machine start at once", "leave it out")
    release.values["worker"] = {"cpu": _cpus(release.values), **release.values.get("worker", {})}
    volume = _volume(release.values)
    objects = release.objects()
    run = parse(only("ConfigMap", objects)["data"]["run.yaml"], source)
    _refuse_what_is_not_here(run)
    return Rendering(release.name, objects, volume)


def _cpus(values: dict[str, Any]) -> int:
    return values["run"].get("scaling", {}).get("cpus_per_worker", 1)


def _volume(values: dict[str, Any]) -> Path:
    """The folder; values without a volume get one, at the place where the run wants to write."""
    run, volume = values["run"], values.get("storage", {})
    if volume.get("claim") or volume.get("size"):
        return Path("runs").absolute()
    if "storage" not in run:
        values["storage"] = {**volume, "size": "1Gi"}
        return Path("runs").absolute()
    place = run["storage"].removeprefix("file://")
    if "://" in place:
        raise _elsewhere("storage", place)
    folder = Path(place).absolute()
    run["storage"] = str(folder)
    values["storage"] = {**volume, "size": "1Gi", "mount_path": str(folder)}
    return folder


def _refuse_what_is_not_here(run: Run) -> None:
    if run.scaling.gpus_per_worker:
        remedy = "set it to 0, or leave out --pods"
        raise ConfigError("scaling.gpus_per_worker", "1, and pods of this machine train on its CPUs", remedy)
    for stage in run.squad:
        if stage.model is not None and "/" not in stage.model:
            raise _elsewhere(f"model of {stage.name}", stage.model)
    for field, text in _texts(as_settings(run)):
        scheme, mark, _ = text.partition("://")
        if mark and scheme not in ("run", "file"):
            raise _elsewhere(field, text)


def _texts(settings: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a run, and what it is called."""
    if isinstance(settings, str):
        yield field, settings
    elif isinstance(settings, dict | list):
        pairs = settings.items() if isinstance(settings, dict) else enumerate(settings)
        for key, value in pairs:
            yield from _texts(value, f"{field}.{key}" if field else str(key))


def _elsewhere(field: str, text: str) -> ConfigError:
    problem = f"{text!r} is not on this machine, and its pods have no network that leads out"
    return ConfigError(field, problem, "copy it here and give its whole path, or leave out --pods")
