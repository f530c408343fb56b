"""Parsers on damaged input for as long as you like: `make fuzz MINUTES=10`, or `python -m tests.fuzz test_squad.py`.

Each file of tests has its time, pass after pass with seeds of their own. A fault ends it and is shown with its input.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import click

HERE = Path(__file__).parent
EXAMPLES = 1000
"""A test and pass."""


@click.command()
@click.option(
    "--minutes", type=click.FloatRange(0, min_open=True), default=10, show_default=True, help="For each file."
)
@click.argument("files", nargs=-1)
def main(minutes: float, files: tuple[str, ...]) -> None:
    """Damage valid input until a parser breaks."""
    for file in files or sorted(path.name for path in HERE.glob("test_*.py")):
        passes, began = 0, time.monotonic()
        while time.monotonic() - began < 60 * minutes:
            command = [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-x",
                "--timeout=0",
                f"--hypothesis-seed={passes}",
                str(HERE / file),
            ]
            ended = subprocess.run(
                command,
                env=os.environ | {"BERTH_FUZZ_EXAMPLES": str(EXAMPLES)},
                capture_output=True,
                text=True,
                check=False,
            )
            if ended.returncode:
                sys.exit(f"{ended.stdout}\n{file}: a fault in pass {passes}")
            passes += 1
        took = (time.monotonic() - began) / 60
        click.echo(f"{file}: {passes} passes of {EXAMPLES:,} examples a test in {took:.1f} minutes, no fault")


if __name__ == "__main__":
    main()
