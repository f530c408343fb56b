"""A command line that cannot be parsed, said like any other mistake: `where: problem; remedy`."""

import re

import click

from trainer.errors import ConfigError

_NUMBER = re.compile(r"not a valid (?:float|(integer))(?: range)?")


def refusal(error: click.UsageError) -> ConfigError:
    """The error in our form; click's own is four lines."""
    command = _command(error.ctx) if error.ctx else "berth COMMAND"  # click does not always say which
    remedy = f"see `{command} --help`"
    message = error.message.removesuffix(".")
    match error:
        case click.NoSuchOption():
            return ConfigError(error.option_name, "no such option", _near(error.possibilities) or remedy)
        case click.exceptions.NoSuchCommand():
            return ConfigError(error.command_name, "no such command", _near(error.possibilities) or remedy)
        case click.BadOptionUsage():
            return ConfigError(error.option_name, message.removeprefix(f"Option {error.option_name!r} "), remedy)
        case click.MissingParameter():
            return ConfigError(_parameter(error), "is missing", remedy)
        case click.BadParameter():
            return ConfigError(_parameter(error), _NUMBER.sub(_number, message), remedy)
        case _:
            return ConfigError(command.removeprefix("berth "), message[:1].lower() + message[1:], remedy)


def _command(context: click.Context | None) -> str:
    """Whatever Python was started with, its name is `berth`."""
    names: list[str] = []
    while context is not None and context.parent is not None:
        names.insert(0, str(context.info_name))
        context = context.parent
    return " ".join(["berth", *names])


def _parameter(error: click.BadParameter) -> str:
    hint = error.param.get_error_hint(error.ctx) if error.param else ""  # pyright: ignore[reportArgumentType]
    return hint.replace("'", "") or "the command line"


def _number(found: re.Match[str]) -> str:
    return "no whole number" if found[1] else "no number"


def _near(names: list[str] | None) -> str:
    return f"did you mean {names[0]}?" if names else ""
