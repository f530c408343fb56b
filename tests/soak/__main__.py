"""The same again and again, until something grows or is left: `make soak`, or `python -m tests.soak checkpoints`.

Each soak prints a table of what was held at the beginning and at the end. Ends with an error where something grows.
"""

import sys
import tempfile

import click
import pytest

from tests.s3_server import BUCKET, serving
from tests.soak import checkpoints as _checkpoints
from tests.soak import corpus as _corpus
from tests.soak import submits as _submits
from tests.soak import training as _training


@click.group()
def main() -> None:
    """Do the same again and again, until something grows or is left."""


@main.command()
@click.option("--saves", type=click.IntRange(8), default=10_000, show_default=True, help="In a folder.")
@click.option("--on-s3", type=click.IntRange(0), default=500, show_default=True, help="And on a server that speaks S3.")
@click.option("--minutes", default=120.0, show_default=True, help="After which no save begins, of each.")
def checkpoints(saves: int, on_s3: int, minutes: float) -> None:
    """Save again and again: what stays is what should."""
    with tempfile.TemporaryDirectory(prefix="berth-soak-") as folder:
        problems = _checkpoints.soak(folder, saves, minutes)
    if on_s3:
        with serving():
            problems += _checkpoints.soak(f"{BUCKET}/checkpoints", on_s3, minutes)
    _end(problems)


@main.command()
@click.option("--files", type=click.IntRange(20), default=5000, show_default=True, help="Of a document each.")
@click.option("--minutes", default=10.0, show_default=True, help="Of reading batches.")
def corpus(files: int, minutes: float) -> None:
    """Prepare many small files, look at them, read them."""
    _end(_corpus.soak(files, minutes))


@main.command()
@click.option("--cycles", default=1000, show_default=True, help="Runs submitted and deleted through the API.")
@click.option("--by-helm", default=100, show_default=True, help="And by helm.")
@click.option("--at-once", type=click.IntRange(1), default=4, show_default=True, help="Processes that share those.")
@click.option("--minutes", default=120.0, show_default=True, help="After which no cycle begins.")
def submits(cycles: int, by_helm: int, at_once: int, minutes: float) -> None:
    """Submit runs to a real API server and delete them: no object is left."""
    try:
        with _submits.on_cluster() as namespace:
            _end(_submits.soak(namespace, cycles, by_helm, at_once, minutes))
    except pytest.skip.Exception as why:  # of what tests/cluster shares
        sys.exit(f"soak: {why}")


@main.command()
@click.option("--minutes", default=60.0, show_default=True)
def training(minutes: float) -> None:
    """Train a small run and watch the memory of its processes."""
    _end(_training.soak(minutes))


def _end(problems: list[str]) -> None:
    for problem in problems:
        click.echo(problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
