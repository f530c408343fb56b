"""What a run will need and cost: plan."""

from typing import Any

import click

from trainer.cli import arguments


@click.command()
@arguments.run_source
@arguments.overrides
@click.option("--gpus", "groups", multiple=True, metavar="TYPE[:N]", help="Such as h100:8; may be given again.")
@click.option(
    "--mfu",
    type=arguments.Number(0, 1, min_open=True),
    default=0.4,
    show_default=True,
    help="Share of the GPUs' peak that the training reaches.",
)
@click.option(
    "--real-share",
    type=arguments.Number(0, 1, min_open=True),
    help="Real tokens by those of full samples, in pretraining. Default: what short samples alone leave.",
)
@click.option("--corpus-tokens", type=arguments.Number(0), help="Tokens in the corpus, such as 4e9, for its size.")
@click.option("--prices", help="YAML with the price of a GPU hour of each type: `h100: 2.50`.")
@click.option("--carbon-intensity", type=arguments.Number(0), help="Of your power, g of CO2 a kWh.")
@click.option("--probe", is_flag=True, help="Train 20 steps of a micro batch here first, and set them beside the plan.")
@arguments.output
def plan(
    run: str,
    overrides: tuple[str, ...],
    groups: tuple[str, ...],
    mfu: float,
    real_share: float | None,
    corpus_tokens: float | None,
    prices: str | None,
    carbon_intensity: float | None,
    probe: bool,
    output: str,
) -> None:
    """Tell what RUN will need and cost, before it starts, by arithmetic; only --probe runs anything.

    \b
    berth plan bert-base-uncased --gpus h100:8 --gpus a100:32 --mfu 0.4
    berth plan my-run.yaml --gpus h100:8 --prices prices.yaml --carbon-intensity 300 -o json

    Parameters, memory of a worker by part, FLOP, tokens, storage; for each group of GPUs time, the largest micro batch,
    network, and price and carbon where they are asked.
    """
    from rich.console import Console

    from trainer.compute import gpus
    from trainer.config.load import load
    from trainer.launch.plan import page
    from trainer.launch.plan.plan import Question, of

    question = Question(
        [gpus.group(text) for text in groups],
        mfu,
        real_share,
        corpus_tokens,
        {} if prices is None else gpus.prices(prices),
        carbon_intensity,
        _probe() if probe else None,
    )
    found = of(load(run, overrides), question)
    if output == "json":
        click.echo(found.model_dump_json(indent=1))
        return
    console = Console()
    for table in page.tables(found):
        console.print(table)
    for line in found.assumptions:
        console.print(f"- {line}", highlight=False)


def _probe() -> Any:
    from trainer.runtime.step_probe import probe

    return probe
