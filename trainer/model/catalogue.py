"""Names for models that stand elsewhere: `bertbaseuncased` is NVIDIA's, `bert-base-uncased` is Google's.

The names that ship are in catalogue.yaml. BERTH_CATALOGUE, the path or URI of another such file, adds names and
replaces those: a mirror without a way to the internet is one line. A name of the catalogue means the same everywhere,
whatever lies in the current directory; a folder of that name is called `./bertbaseuncased`.
"""

import os
from importlib import resources

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from trainer import storage
from trainer.config import plain_yaml
from trainer.errors import ConfigError

VARIABLE = "BERTH_CATALOGUE"


class Entry(BaseModel):
    """Where a model stands, as URIs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weights: str
    vocabulary: str | None = None
    """For a file that may not bring one."""


_NAMED = TypeAdapter(dict[str, Entry | str])


def entries() -> dict[str, Entry]:
    """All names, those of BERTH_CATALOGUE over those that ship.

    Raises:
        ConfigError: the file that it names is no catalogue.
        StorageError: it cannot be read.
    """
    shipped = resources.files("trainer.model").joinpath("catalogue.yaml").read_text()
    own = os.environ.get(VARIABLE)
    return _parse(shipped, "catalogue.yaml") | (
        _parse(storage.read_text(own, storage.MOST_SETTINGS), own) if own else {}
    )


def _parse(text: str, where: str) -> dict[str, Entry]:
    try:
        named = _NAMED.validate_python(plain_yaml.loads(text, where))
    except ValidationError as error:
        remedy = "write `name: URI`, or `weights` and `vocabulary` below a name"
        raise ConfigError(where, f"no catalogue ({_fault(error)})", remedy) from error
    return {name: Entry(weights=entry) if isinstance(entry, str) else entry for name, entry in named.items()}


def _fault(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{first['loc'][0]}: {first['msg']}" if first["loc"] else first["msg"]
