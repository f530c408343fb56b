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

    _execute(load(run, overrides), Console())


@main.command()
@click.argument("overrides", nargs=-1)
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
    tables = scores.tables(settings)
    if not tables:
        raise BerthError(f"no stage of {settings.name} is finished yet")
    console = Console()
    for table in tables:
        console.print(table)


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
    from trainer.tasks.fill_mask import fill_mask
    from trainer.tasks.newest_model import newest_model

    for guess in fill_mask(text, model or newest_model(BertForPreTraining), top):
        click.echo(f"{guess.probability:6.1%}  {guess.text}")


@main.command()
@click.argument("question", required=False)
@click.option("--context", help="The text to answer from: a path, a URI, or - for stdin.")
@click.option(
    "--questions",
    help='JSON Lines such as {"question": "Who?", "context": "...", "id": "7"}: a path, a URI, or - for stdin, '
    "which is the default without QUESTION. A line without a context is about that of --context.",
)
@click.option("--model", help="A model: path, URI or name. Default: the newest SQuAD one below runs/.")
@click.option(
    "--may-be-none/--always-answer",
    default=None,
    help='Whether "no answer" is one. Default: as the model was taught, SQuAD v2.0 or v1.1.',
)
@click.option(
    "--null-threshold",
    type=float,
    help="No answer where its score is over the best one's by more. Default: the model's.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=64,
    show_default=True,
    help="Lines that are read before they are answered; 1 answers each at once.",
)
def answer(
    question: str | None,
    context: str | None,
    questions: str | None,
    model: str | None,
    may_be_none: bool | None,
    null_threshold: float | None,
    batch_size: int,
) -> None:
    """Answer QUESTION from a text, or many questions from lines of JSON.

    \b
    berth answer --context town.txt "Who founded the town?"
    berth answer < questions.jsonl > answers.jsonl

    Each line gives one with id (or the line's number), answer, probability, and its start and end in the context,
    counted in characters; no answer is "". A line that is no question gives one with line and error, and exit code 2
    once the others are answered.
    """
    if question is not None and (questions is not None or context is None):
        raise click.UsageError("give QUESTION with --context, or --questions without QUESTION")
    if question is None and questions is None:
        if sys.stdin is not None and sys.stdin.isatty():
            raise click.UsageError("give QUESTION with --context, or lines of JSON on stdin or by --questions")
        questions = "-"
    if questions == context == "-":
        raise click.UsageError("--context and --questions cannot both be stdin")

    from trainer.model.heads import BertForQuestionAnswering
    from trainer.runtime.answering import answer_lines, read_text
    from trainer.tasks.newest_model import newest_model
    from trainer.tasks.question_answering import QuestionAnswering

    stdin = None if sys.stdin is None else sys.stdin.buffer
    text = None if context is None else read_text(context, stdin)
    reader = QuestionAnswering.from_pretrained(
        model or newest_model(BertForQuestionAnswering),
        handle_impossible_answer=may_be_none,
        null_threshold=null_threshold,
    )
    if question is not None:
        reply = reader(question, text or "")
        click.echo(f"{reply.probability:6.1%}  {reply.text or '(no answer)'}")
        return
    answer_lines(reader, questions or "-", stdin, sys.stdout.buffer, context=text, batch_size=batch_size)
