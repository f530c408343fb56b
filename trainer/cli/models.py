"""What a trained model does: export, fill-mask, answer."""

import sys
from typing import Any

import click

from trainer.cli import arguments


@click.command()
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


@click.command("fill-mask")
@click.argument("text")
@click.option("--model", help="A model: path, URI or name. Default: the newest pretrained one below runs/.")
@click.option("--top", type=click.IntRange(1), default=5, show_default=True, help="How many guesses to show.")
def fill_mask(text: str, model: str | None, top: int) -> None:
    """Guess the [MASK] in TEXT: berth fill-mask "Paris is the [MASK] of France."."""
    from trainer.model.heads import BertForPreTraining
    from trainer.tasks.fill_mask import fill_mask
    from trainer.tasks.newest_model import newest_model

    for guess in fill_mask(text, model or newest_model(BertForPreTraining), top):
        click.echo(f"{guess.probability:6.1%}  {guess.text}")


@click.command()
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
    type=arguments.Number(),
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
