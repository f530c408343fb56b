"""`berth squad` as a run: one SQuAD stage with a recipe's settings, and the model and files of the command line."""

from collections.abc import Sequence
from typing import Any

from trainer.config.load import load, made
from trainer.config.operation import Scaling
from trainer.config.schema import Run
from trainer.errors import ConfigError

STAGE = "squad"


def finetuning(
    name: str,
    model: str,
    train: Sequence[str],
    dev: str,
    *,
    recipe: str,
    seeds: int,
    learning_rates: Sequence[float],
    scaling: Scaling,
    overrides: tuple[str, ...] = (),
) -> Run:
    """A run that fine-tunes a model and scores it; without training files it scores alone.

    Args:
        name: of the run.
        recipe: a recipe or YAML file with a SQuAD stage; of the first, all settings but model and files.
        overrides: as of `load`; the stage is `squad`, as in `squad.epochs=3`.

    Raises:
        ConfigError: the recipe has no SQuAD stage, or a value is wrong.
    """
    stages = load(recipe).squad
    if not stages:
        raise ConfigError("--recipe", f"{recipe} has no SQuAD stage", "give one that has, such as squad-v1.1")
    given: dict[str, Any] = {"name": STAGE, "model": model, "train": list(train), "dev": dev, "seeds": seeds}
    given |= {"learning_rates": list(learning_rates)}
    settings: dict[str, Any] = {
        "name": name,
        "squad": stages[0].model_dump(exclude_unset=True) | given,
        "scaling": scaling.model_dump(exclude_unset=True),
    }
    return made(settings, "berth squad", overrides)
