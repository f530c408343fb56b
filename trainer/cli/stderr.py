"""What is said beside a command's output, on standard error."""

import click

from trainer.config.redaction import without_credentials


def aside(text: str) -> None:
    click.echo(f"berth: {without_credentials(text)}", err=True)
