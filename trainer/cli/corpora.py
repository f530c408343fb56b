"""What a model learns from: prepare, doctor."""

import click

from trainer.cli import arguments


@click.command()
@click.argument("corpus")
@arguments.overrides
@click.option("--part", default="0/1", show_default=True, help="Which part to make, of how many; counted from 0.")
@click.option(
    "--wait-minutes",
    type=arguments.Number(0),
    default=120.0,
    show_default=True,
    help="How long other parts wait for part 0's vocabulary.",
)
def prepare(corpus: str, overrides: tuple[str, ...], part: str, wait_minutes: float) -> None:
    """Make the corpus that CORPUS, a YAML file, describes: vocabulary and shards.

    Done once, for all runs that name it as `corpus.prepared`. Many of these commands may share the work: `--part 0/8`
    to `--part 7/8`. The same command continues one that was stopped.
    """
    from rich.console import Console

    from trainer.config.load import load_corpus
    from trainer.data.corpus_parts import Part
    from trainer.runtime.corpus import execute

    console = Console()
    settings = load_corpus(corpus, overrides)
    console.print(execute(settings, Part.parse(part), wait_minutes, console), soft_wrap=True, highlight=False)


@click.command()
@click.argument("corpus", required=False)
@click.option(
    "--run",
    help="A run, YAML or recipe: its stages are drawn from CORPUS, by default the run in that folder; "
    "without CORPUS its storage is tried.",
)
@arguments.output
@arguments.cluster_options
@click.pass_context
def doctor(
    ctx: click.Context, corpus: str | None, run: str | None, output: str, context: str | None, namespace: str | None
) -> None:
    """Look for what is wrong with CORPUS, the folder of a prepared corpus or of a run; without, with what is around.

    Of a corpus: duplicates, unknown words, masks, lengths, pairs, languages and the strangest documents, with warnings
    and what to do about them. Exit code 0 whatever is found; 2 where the data is damaged.

    Without CORPUS: packages, GPUs, the cluster of kubeconfig, its training operator, your rights there, Helm, W&B and
    with --run the run's storage. Exit code 2 where something is broken. JSON: a list of check, verdict (ok, unsure or
    broken), found, remedy.
    """
    if corpus is None:
        ctx.exit(_environment(run, output, context, namespace))
    _corpus(corpus, run, output)


def _environment(run: str | None, output: str, context: str | None, namespace: str | None) -> int:
    from trainer.cli import tables
    from trainer.config.load import load
    from trainer.launch.environment import findings

    found = list(findings(context, namespace, None if run is None else load(run).storage))
    tables.show_findings(found, as_json=output == "json")
    return 2 if any(finding.verdict == "broken" for finding in found) else 0


def _corpus(corpus: str, run: str | None, output: str) -> None:
    from rich.console import Console

    from trainer.runtime.display import Display
    from trainer.runtime.doctor import examine
    from trainer.runtime.doctor_page import page

    with Display(Console(stderr=True)) as display:
        found = examine(corpus, run, display.show)
    if output == "json":
        click.echo(found.model_dump_json(indent=1))
    else:
        console = Console()
        console.print(page(found, console), highlight=False)
