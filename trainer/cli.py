"""The command `berth`: parse, call one function, print.

Everything heavier than click is imported inside the command that needs it, so that `berth --help` answers at once.
This is the only module that imports inside functions.
"""

import sys
from typing import Any

import click

from trainer.errors import BerthError, Interrupted


class _Berth(click.Group):
    """Turns the errors that people can mend into one line and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BerthError as error:
            click.echo(f"berth: {error}", err=True)
            sys.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("berth: stopped; the same command continues", err=True)
            sys.exit(Interrupted.exit_code)


@click.group(cls=_Berth, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="berth")
def main() -> None:
    """Train a BERT encoder from scratch and score it on SQuAD."""


@main.command()
@click.argument("run")
@click.argument("overrides", nargs=-1)
def run(run: str, overrides: tuple[str, ...]) -> None:
    """Execute RUN, a YAML file or the name of a recipe.

    OVERRIDES change settings: `berth run quickstart pretrain.max_steps=100 scaling.num_workers=1`. The same command
    continues a run that was stopped and leaves finished stages as they are.
    """
    from rich.console import Console

    from trainer.config.load import load
    from trainer.runtime import driver, scores

    console = Console()
    settings = load(run, overrides)
    report = driver.execute(settings, console)
    console.print(scores.table(scores.results(settings)))
    console.print(f"report: {report}", soft_wrap=True, highlight=False)


@main.command()
@click.argument("corpus")
@click.argument("overrides", nargs=-1)
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


@main.command()
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


@main.command("scores")
@click.argument("run")
@click.argument("overrides", nargs=-1)
def scores_(run: str, overrides: tuple[str, ...]) -> None:
    """Show what the finished stages of RUN have reached; exit code 3 where there is none yet."""
    from rich.console import Console

    from trainer.config.load import load
    from trainer.runtime import scores

    settings = load(run, overrides)
    results = scores.results(settings)
    if not results:
        raise BerthError(f"no stage of {settings.name} is finished yet")
    Console().print(scores.table(results))


@main.command()
@click.argument("run")
def pod(run: str) -> None:
    """Be a pod of a PyTorchJob that executes RUN; charts/berth starts this.

    The Master is the Ray head and does what `berth run` does; a Worker is a Ray node.
    """
    from trainer.runtime.pod import serve

    sys.exit(serve(run))


@main.command()
def recipes() -> None:
    """List the recipes that RUN may name."""
    from trainer.config.load import recipe_names

    for name in recipe_names():
        click.echo(name)


@main.command()
@click.argument("stage")
@click.argument("destination")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["hf", "onnx"]),
    default="hf",
    show_default=True,
    help="hf: what Hugging Face's `from_pretrained` opens, with a model card. onnx: model.onnx and the tokenizer.",
)
@click.option("--vocabulary", help="The vocab.txt of a model that brings none.")
def export(stage: str, destination: str, kind: Any, vocabulary: str | None) -> None:
    """Write the model of a finished STAGE (such as runs/quickstart/squad-v2.0) to the new directory DESTINATION.

    STAGE may be any model: a directory of Hugging Face's, a NeMo .nemo, a ckpt_*.pt of NVIDIA's DeepLearningExamples,
    or a name such as bertbaseuncased.
    """
    from trainer.tasks.export import export

    click.echo(export(stage, destination, kind, vocabulary))


@main.command("fill-mask")
@click.argument("text")
@click.option("--model", help="A model: path, URI or name. Default: the newest pretrained one below runs/.")
@click.option("--top", default=5, show_default=True, help="How many guesses to show.")
def fill_mask(text: str, model: str | None, top: int) -> None:
    """Guess the [MASK] in TEXT: berth fill-mask "Paris is the [MASK] of France."."""
    from trainer.model.heads import BertForPreTraining
    from trainer.tasks.inference import fill_mask, newest_model

    for guess in fill_mask(text, model or newest_model(BertForPreTraining), top):
        click.echo(f"{guess.probability:6.1%}  {guess.text}")


@main.command()
@click.argument("question")
@click.option(
    "--context", required=True, type=click.File(encoding="utf-8"), help="The text to answer from; - is stdin."
)
@click.option("--model", help="A model: path, URI or name. Default: the newest SQuAD one below runs/.")
def answer(question: str, context: Any, model: str | None) -> None:
    """Answer QUESTION from the text of a file."""
    from trainer.model.heads import BertForQuestionAnswering
    from trainer.tasks.inference import answer, newest_model

    reply = answer(question, context.read(), model or newest_model(BertForQuestionAnswering))
    click.echo(f"{reply.probability:6.1%}  {reply.text or '(no answer)'}")
