"""`berth answer` on many questions: lines in, lines out, and on stderr how far it is and what is wrong.

A bar is shown only where the answers go elsewhere than to the terminal, lines now and then where stderr is a log.
"""

import time
from collections.abc import Iterator
from typing import IO

from rich.console import Console

from trainer import storage
from trainer.errors import InputError, Interrupted
from trainer.runtime.display import Display
from trainer.tasks import question_lines
from trainer.tasks.question_answering import QuestionAnswering
from trainer.tasks.question_lines import Question

_TOLD = 10
"""Lines that are no questions and are named on stderr; the rest is counted."""
_QUIET = 10.0
"""Seconds before progress is shown."""
_STDIN = "standard input"


def read_text(uri: str, stdin: IO[bytes] | None) -> str:
    """A context whole, from a file or, as `-`, from stdin: UTF-8, without its byte-order mark.

    Raises:
        InputError: stdin is closed.
        StorageError: it cannot be read, or is not UTF-8.
    """
    return storage.read_text(uri) if uri != "-" else storage.decoded(_open(stdin).read(), _STDIN)


def answer_lines(
    reader: QuestionAnswering,
    uri: str,
    stdin: IO[bytes] | None,
    output: IO[bytes],
    *,
    context: str | None,
    batch_size: int,
) -> None:
    """Answer questions, a line for each; the rate is told at the end.

    Args:
        reader: the model.
        uri: questions as JSON Lines; `-` is stdin.
        stdin: None if it is closed.
        output: where the lines go; it must not be taken from `sys.stdout` later, which a bar on stderr replaces.
        context: what a question is about that brings no context.
        batch_size: questions that are read before they are answered.

    Raises:
        StorageError: the questions cannot be read.
        DataError: a line is too long to be one.
        InputError: some lines were no questions, and the others are answered; or stdin is closed.
        Interrupted: Ctrl-C.
    """
    where = _STDIN if uri == "-" else uri
    console = Console(stderr=True)
    began, done, faults = time.monotonic(), 0, 0
    questions = _questions(uri, stdin, context)
    try:
        with Display(console) as display:
            for question, answer in question_lines.answered(reader, questions, batch_size):
                done += 1
                output.write(question_lines.written(question, answer))
                output.flush()
                if question.fault:
                    faults += 1
                    if faults <= _TOLD:
                        display.say(f"berth: {where}, line {question.number} {question.fault}")
                seconds = time.monotonic() - began
                if seconds > _QUIET and not output.isatty():
                    display.show("answers", done, None, f"{done / seconds:,.1f} questions/s")
    except KeyboardInterrupt:
        raise Interrupted(f"stopped; {done:,} lines are answered") from None
    seconds = time.monotonic() - began
    answers = done - faults
    console.print(
        f"{answers:,} questions in {seconds:.1f} s: {answers / max(seconds, 1e-9):,.1f} questions/s", highlight=False
    )
    if faults:
        remedy = "give an object with 'question' and 'context' in each; the others are answered"
        raise InputError(where, f"{faults:,} of {done:,} lines are no questions", remedy)


def _questions(uri: str, stdin: IO[bytes] | None, context: str | None) -> Iterator[Question]:
    # A generator of its own, so that only errors of reading are told as such: not those of writing the answers.
    if uri == "-":
        yield from question_lines.read(_open(stdin), _STDIN, context)
    else:
        with storage.opened(uri) as stream:
            yield from question_lines.read(stream, uri, context)


def _open(stdin: IO[bytes] | None) -> IO[bytes]:
    if stdin is None:
        raise InputError(_STDIN, "it is closed", "give the text there, or the name of a file")
    return stdin
