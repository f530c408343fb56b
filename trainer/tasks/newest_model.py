"""The model that a command means where none is named."""

from pathlib import Path

from trainer import storage
from trainer.errors import InputError
from trainer.model import hf_config


def newest_model(kind: type, below: str = "runs") -> str:
    """The model directory of a kind that was written last below a folder.

    Raises:
        InputError: there is none.
    """
    configs = sorted(Path(below).glob("*/*/model/config.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for config in configs:
        model = hf_config.loads(storage.read_text(str(config)), str(config))
        if isinstance(model, kind):
            return str(config.parent)
    raise InputError(f"{below}/", "no fitting model there", "train one with `berth run quickstart` or give --model")
