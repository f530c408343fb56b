"""A run on this machine: run, squad, scores, recipes, sync; and pod, which is a part of one on a cluster."""

import sys
from typing import Any

import click

from trainer.cli import arguments
from trainer.cli.stderr import aside
from trainer.errors import BerthError


@click.command()
@arguments.run_source
@arguments.overrides
@click.option("--pods", type=click.IntRange(2), metavar="N", help="On N pods of this machine: a Master, N - 1 Workers.")
@click.option(
    "--values", "files", multiple=True, type=click.Path(), metavar="FILE", help="With --pods: of charts/berth."
)
def run(run: str, overrides: tuple[str, ...], pods: int | None, files: tuple[str, ...]) -> None:
    """Execute RUN, a YAML file or the name of a recipe.

    OVERRIDES change settings: `berth run quickstart pretrain.max_steps=100 scaling.num_workers=1`. The same command
    continues a run that was stopped and leaves finished stages as they are.

    With --pods the PyTorchJob that `berth submit` would create runs here (Linux, no root needed): each pod as processes
    with a network of its own, and an operator that makes anew what was killed. ./runs is the volume, unless `storage`
    is another folder. No pod reaches anything outside.

    \b
      berth run --pods 3 quickstart scaling.num_workers='[1, 2]'
      berth scale quickstart 1 --local    # from another terminal
      kill -9 PID                         # of a pod; its start is told with it
    """
    if pods is not None:
        sys.exit(_on_pods(run, overrides, files, pods))
    if files:
        raise click.UsageError("--values is for --pods")
    from rich.console import Console

    from trainer.config.load import load

    _execute(load(run, overrides), Console())


def _on_pods(run: str, overrides: tuple[str, ...], files: tuple[str, ...], pods: int) -> int:
    from trainer.launch.pods import local_run, namespaces

    namespaces.enter()
    return local_run.execute(run, overrides, files, pods, lambda pod, line: click.echo(f"[{pod}] {line}"), aside)


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
    from trainer import storage
    from trainer.runtime import driver, scores

    report = driver.execute(settings, console)
    for table in scores.tables(settings):
        console.print(table)
    console.print(f"report: {storage.from_here(report)}", soft_wrap=True, highlight=False)


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


@click.command("sync")
@arguments.run_source
@arguments.overrides
def sync_(run: str, overrides: tuple[str, ...]) -> None:
    """Send to Weights & Biases what the stages of RUN recorded without it.

    That is all of them with `tracking.wandb: offline`, and with `online` what was logged while W&B was away. The key is
    W&B's own business (WANDB_API_KEY or `wandb login`), and so is where it is (WANDB_BASE_URL). Nothing is sent twice:
    the same command goes on after an error, and sends what is new while the run is at work.
    """
    from trainer.config.load import load
    from trainer.engine.folder import RunFolder
    from trainer.tracking import sync

    settings = load(run, overrides)
    for sent in sync.sync(RunFolder.of(settings).uri, [stage.name for stage in settings.stages]):
        click.echo(sent)
