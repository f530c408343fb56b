from typing import Any

import pytest

from trainer.config.finetuning import finetuning
from trainer.config.load import load
from trainer.config.operation import Scaling
from trainer.config.recipes import recipe_names
from trainer.config.schema import Run
from trainer.errors import ConfigError


def made(*overrides: str, **changes: Any) -> Run:
    given: dict[str, Any] = {"recipe": "squad-v1.1", "seeds": 1, "learning_rates": (), "scaling": Scaling()}
    return finetuning("mine", "model", ("train.json",), "dev.json", **given | changes, overrides=overrides)


def test_all_settings_but_model_and_files_are_the_recipes() -> None:
    (theirs,) = load("squad-hf").squad
    files = {"name": "squad", "model": "model", "train": ("train.json",), "dev": "dev.json"}
    assert made(recipe="squad-hf").squad == (theirs.model_copy(update=files),)


@pytest.mark.parametrize("recipe", [name for name in recipe_names() if load(name).squad])
def test_any_recipe_with_a_squad_stage_lends_its_settings(recipe: str) -> None:
    least = load(recipe).scaling.least_workers
    assert made(recipe=recipe, scaling=Scaling(num_workers=least)).stages[0].name == "squad"


def test_the_stage_is_overridden_as_squad() -> None:
    assert made("squad.epochs=3", "squad.optimizer.eps=1e-8").squad[0].epochs == 3
    with pytest.raises(ConfigError, match=r"^squad\.epoch: no such setting; did you mean epochs\?"):
        made("squad.epoch=3")


def test_each_learning_rate_and_seed_is_a_stage() -> None:
    run = made(seeds=2, learning_rates=(3e-5, 1e-4))
    assert [stage.name for stage in run.stages] == [
        "squad.3e-5.seed-0",
        "squad.3e-5.seed-1",
        "squad.0.0001.seed-0",
        "squad.0.0001.seed-1",
    ]
    assert [(stage.optimizer.learning_rate, run.seed_of(stage)) for stage in run.stages] == [
        (3e-5, 0),
        (3e-5, 1),
        (1e-4, 0),
        (1e-4, 1),
    ]


def test_one_learning_rate_is_no_sweep() -> None:
    (stage,) = made(learning_rates=(7e-5,)).stages
    assert (stage.name, stage.optimizer.learning_rate) == ("squad", 7e-5)


def test_a_recipe_without_squad_is_refused(tmp_path: Any) -> None:
    path = tmp_path / "text.yaml"
    path.write_text("name: mine\ncorpus: {sources: [{path: text}]}\npretrain: {}\n")
    with pytest.raises(ConfigError, match=r"--recipe: .*text\.yaml has no SQuAD stage; give one that has"):
        made(recipe=str(path))
