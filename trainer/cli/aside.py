"""What is said beside a command's output, on standard error."""

import click


def aside(text: str) -> None:
    click.echo(f"berth: {text}", err=True)
