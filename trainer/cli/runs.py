"""A run on this machine: run, squad, scores, recipes; and pod, which is a part of one on a cluster."""

import sys
from typing import Any

import click

from trainer.cli import arguments
from trainer.errors import BerthError


@click.command()
@arguments.run_source
@arguments.overrides
def run(run: str, overrides: tuple[str, ...]) -> None:
    """Execute RUN, a YAML file or the name of a recipe.

    OVERRIDES change settings: `berth run quickstart pretrain.max_steps=100 scaling.num_workers=1`. The same command
    continues a run that was stopped and leaves finished stages as they are.
    """
    from rich.console import Console

    from trainer.config.load import load

    _execute(load(run, overrides), Console())


@click.command()
@arguments.overrides
@click.option("--model", required=True, help="A model: path, URI or name.")
@click.option("--train", multiple=True, help="A SQuAD file to learn from; may be given again. Without: only score.")
@click.option("--eval", "dev", required=True, help="The SQuAD file to score on, v1.1 or v2.0.")
@click.option("--name", default="squad", show_default=True, help="The run's folder below runs/.")
@click.option("--recipe", default="squad-v1.1", show_default=True, help="Whose settings of a SQuAD stage are taken.")
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, help="Trials with so many seeds.")
@click.option("--learning-rate", "rates", type=float, multiple=True, help="May be given again: trials at each.")
def squad(
    model: str,
    train: tuple[str, ...],
    dev: str,
    name: str,
    recipe: str,
    seeds: int,
    rates: tuple[float, ...],
    overrides: tuple[str, ...],
) -> None:
    """Fine-tune a model on SQuAD and score it as the official script does.

    OVERRIDES change settings: `squad.epochs=3 scaling.num_workers=2`. It is a run like any other: the same command
    continues it, and with more seeds or learning rates keeps the trials that are finished.
    """
    from rich.console import Console

    from trainer.config.finetuning import finetuning
    from trainer.runtime.machine import all_of_it

    run = finetuning(
        name,
        model,
        train,
        dev,
        recipe=recipe,
        seeds=seeds,
        learning_rates=rates,
        scaling=all_of_it(),
        overrides=overrides,
    )
    _execute(run, Console())


def _execute(settings: Any, console: Any) -> None:
    from trainer.runtime import driver, scores

    report = driver.execute(settings, console)
    for table in scores.tables(settings):
        console.print(table)
    console.print(f"report: {report}", soft_wrap=True, highlight=False)


@click.command("scores")
@arguments.run_source
@arguments.overrides
def scores_(run: str, overrides: tuple[str, ...]) -> None:
    """Show what the finished stages of RUN have reached; exit code 3 where there is none yet."""
    from rich.console import Console

    from trainer.config.load import load
    from trainer.runtime import scores

    settings = load(run, overrides)
    tables = scores.tables(settings)
    if not tables:
        raise BerthError(f"no stage of {settings.name} is finished yet")
    console = Console()
    for table in tables:
        console.print(table)


@click.command()
def recipes() -> None:
    """List the recipes that RUN may name."""
    from trainer.config.recipes import recipe_names

    for name in recipe_names():
        click.echo(name)


@click.command()
@click.argument("run")
def pod(run: str) -> None:
    """Be a pod of a PyTorchJob that executes RUN; charts/berth starts this.

    The Master is the Ray head and does what `berth run` does; a Worker is a Ray node.
    """
    from trainer.runtime.pod import serve

    sys.exit(serve(run))
