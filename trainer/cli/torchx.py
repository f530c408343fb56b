"""TorchX's commands, which show a traceback of whatever a scheduler raises: of Berth's errors they print one line here.

pyproject.toml names them as `torchx.cli.cmds`, where TorchX looks for commands to take in place of its own.
"""

import sys
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Generator
from contextlib import contextmanager

from torchx.cli.cmd_base import SubCommand
from torchx.cli.cmd_cancel import CmdCancel
from torchx.cli.cmd_describe import CmdDescribe
from torchx.cli.cmd_list import CmdList
from torchx.cli.cmd_log import CmdLog
from torchx.cli.cmd_run import CmdRun
from torchx.cli.cmd_status import CmdStatus

from trainer.cli.stderr import aside
from trainer.errors import BerthError


class _Said(SubCommand):
    """A command of TorchX's whose errors are said in one line, if they are Berth's."""

    def __init__(self, command: SubCommand) -> None:
        self._command = command

    def add_arguments(self, subparser: ArgumentParser) -> None:
        self._command.add_arguments(subparser)

    def run(self, args: Namespace) -> None:
        try:
            with _silent_threads():
                self._command.run(args)
        except BerthError as error:
            aside(str(error))
            sys.exit(error.exit_code)


@contextmanager
def _silent_threads() -> Generator[None]:
    """`torchx log` reads each pod in a thread and raises anew what has ended one: the thread need not say it."""
    say = threading.excepthook
    threading.excepthook = lambda thrown: None if isinstance(thrown.exc_value, BerthError) else say(thrown)
    try:
        yield
    finally:
        threading.excepthook = say


def _said(command: type[SubCommand]) -> Callable[[], SubCommand]:
    return lambda: _Said(command())


run = _said(CmdRun)
status = _said(CmdStatus)
describe = _said(CmdDescribe)
log = _said(CmdLog)
list_ = _said(CmdList)
cancel = _said(CmdCancel)
