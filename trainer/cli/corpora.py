"""What a model learns from: prepare, doctor."""

import click

from trainer.cli import arguments


@click.command()
@click.argument("corpus")
@arguments.overrides
@click.option("--part", default="0/1", show_default=True, help="Which part to make, of how many; counted from 0.")
@click.option(
    "--wait-minutes", default=120.0, show_default=True, help="How long other parts wait for part 0's vocabulary."
)
def prepare(corpus: str, overrides: tuple[str, ...], part: str, wait_minutes: float) -> None:
    """Make the corpus that CORPUS, a YAML file, describes: vocabulary and shards.

    Done once, for all runs that name it as `corpus.prepared`. Many of these commands may share the work: `--part 0/8`
    to `--part 7/8`. The same command continues one that was stopped.
    """
    from rich.console import Console

    from trainer.config.load import load_corpus
    from trainer.data.parts import Part
    from trainer.runtime.corpus import execute

    console = Console()
    settings = load_corpus(corpus, overrides)
    console.print(execute(settings, Part.parse(part), wait_minutes, console), soft_wrap=True, highlight=False)


@click.command()
@click.argument("corpus")
@click.option(
    "--run", help="A run, YAML or recipe, whose stages are drawn. Default: the one in CORPUS, if it is a run's."
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def doctor(corpus: str, run: str | None, as_json: bool) -> None:
    """Look for what is wrong with CORPUS, the folder of a prepared corpus or of a run.

    Duplicates, unknown words, masks, lengths, pairs, languages and the strangest documents, with warnings and what to
    do about them. Exit code 0 whatever is found; 2 where the data is damaged.
    """
    from rich.console import Console

    from trainer.runtime.display import Display
    from trainer.runtime.doctor import examine
    from trainer.runtime.doctor_page import page

    with Display(Console(stderr=True)) as display:
        found = examine(corpus, run, display.show)
    if as_json:
        click.echo(found.model_dump_json(indent=1))
    else:
        console = Console()
        console.print(page(found, console), highlight=False)
