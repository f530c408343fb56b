"""The command `berth`: parse, call one function, print.

Everything heavier than click is imported inside the command that needs it, so that `berth --help` answers at once.
Only here do modules import inside functions.
"""

import errno
import sys
from typing import Any, NoReturn

import click

from trainer.cli import corpora, dashboards, jobs, launching, models, plan, reports, run
from trainer.cli.stderr import aside
from trainer.cli.usage import refusal
from trainer.errors import BerthError, InputError, Interrupted


def _refuse(error: BerthError) -> NoReturn:
    aside(str(error))
    sys.exit(error.exit_code)


class _Berth(click.Group):
    """Turns the errors that people can mend into one line and an exit code."""

    def make_context(self, *arguments: Any, **settings: Any) -> click.Context:
        try:
            return super().make_context(*arguments, **settings)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:
            _refuse(refusal(error))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            _refuse(refusal(error))
        except BerthError as error:
            _refuse(error)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            aside("no space is left where this was written to; make room and repeat the command")
            sys.exit(InputError.exit_code)
        except KeyboardInterrupt:
            aside("stopped; the same command continues")
            sys.exit(Interrupted.exit_code)


@click.group(cls=_Berth, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="berth")
def main() -> None:
    """Train a BERT encoder from scratch and score it on SQuAD."""


for command in (
    run.run,
    run.squad,
    run.scores_,
    run.recipes,
    run.sync_,
    reports.report,
    dashboards.dashboard,
    run.pod,
    plan.plan,
    corpora.prepare,
    corpora.doctor,
    models.export,
    models.fill_mask,
    models.answer,
    launching.render,
    launching.submit,
    launching.scale,
    launching.stop,
    launching.resume,
    jobs.list_,
    jobs.status_,
    jobs.logs,
    jobs.events,
):
    main.add_command(command)
