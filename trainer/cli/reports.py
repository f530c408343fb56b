"""The page of a run, and of several: report."""

import click


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "-o",
    "--output",
    default="comparison.html",
    show_default=True,
    type=click.Path(),
    metavar="FILE",
    help="Of several runs: the page.",
)
def report(runs: tuple[str, ...], output: str) -> None:
    """Write the page of a run as it stands now, or compare several side by side.

    RUN is a YAML file, the name of a recipe, or the folder of a run: a path or a URI.

    \b
      berth report runs/quickstart
      berth report runs/small s3://bucket/runs/large -o small-and-large.html
    """
    from trainer import storage
    from trainer.runtime import reports

    page = reports.report(runs[0]) if len(runs) == 1 else reports.compare(runs, output)
    click.echo(storage.from_here(page))
