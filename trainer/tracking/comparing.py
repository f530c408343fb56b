"""Runs side by side on one page, self-contained like `report.html`.

In: runs and their folders, finished or not. Out: what each stage took and reached, the curves of all runs over one
another, and the settings in which they differ. Each run has a letter, which stands at the end of its lines.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from trainer import storage
from trainer.config import schema
from trainer.config.redaction import without_credentials
from trainer.tracking import formatting
from trainer.tracking.charts import Series, line_chart
from trainer.tracking.curves import CHARTS, Chart, scaled
from trainer.tracking.pages import template
from trainer.tracking.stages import Stage, read_stage

MOST_RUNS = 6
"""As many as there are colours that can be told apart."""
_TAKEN = ("name", "storage")
"""Settings that always differ."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One of the runs."""

    letter: str
    run: schema.Run
    stages: Mapping[str, Stage]
    """By name."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: what it says of each run, in their order."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chapter:
    """One stage in all runs that have it."""

    name: str
    rows: tuple[Row, ...]
    charts: tuple[Chart, ...]


def write_comparison(runs: Sequence[tuple[schema.Run, str]], uri: str) -> None:
    """Write the page.

    Args:
        runs: two to `MOST_RUNS`, each with the URI of its folder.
        uri: of the page.

    Raises:
        DataError: a file of a run holds something else than it should.
        StorageError: a folder cannot be read, or the page not written.
    """
    contenders = [_contender(letter, run, folder) for letter, (run, folder) in zip(ascii_uppercase, runs, strict=False)]
    names = dict.fromkeys(name for contender in contenders for name in contender.stages)
    page = template("comparison.html.jinja").render(
        contenders=contenders,
        chapters=[_chapter(name, number, contenders) for number, name in enumerate(names)],
        settings=list(_settings(contenders)),
    )
    storage.write_text(uri, page)


def _contender(letter: str, run: schema.Run, folder: str) -> Contender:
    stages = {each.name: read_stage(each, storage.join(folder, each.name)) for each in run.stages}
    return Contender(letter, run, stages)


def _chapter(name: str, number: int, contenders: Sequence[Contender]) -> Chapter:
    stages = [contender.stages.get(name) for contender in contenders]
    letters = [contender.letter for contender in contenders]
    return Chapter(name, tuple(_rows(stages)), tuple(_charts(number, letters, stages)))


_REACHED = (
    ("Held-out masked LM loss, nats", "eval/mlm_loss", 1),
    ("Held-out masked tokens found, %", "eval/mlm_accuracy", 100),
    ("Held-out next sentence told, %", "eval/nsp_accuracy", 100),
    ("Exact match, %", "squad/exact", 1),
    ("F1, %", "squad/f1", 1),
    ("Exact match where there is an answer, %", "squad/HasAns_exact", 1),
    ("Left unanswered where there is none, %", "squad/NoAns_exact", 1),
)


def _rows(stages: Sequence[Stage | None]) -> Iterator[Row]:
    yield _row("Time", [stage and stage.seconds and formatting.duration(stage.seconds) for stage in stages])
    yield _row(
        "Worker time",
        [stage and stage.worker_seconds and formatting.duration(stage.worker_seconds) for stage in stages],
    )
    yield _row("Steps", [stage and stage.last_step and formatting.grouped(stage.last_step) for stage in stages])
    results = [stage and stage.result for stage in stages]
    yield _row("Tokens", [result and formatting.grouped(result.tokens) for result in results])
    yield _row("Workers", [result and formatting.grouped(result.workers) for result in results])
    for label, metric, factor in _REACHED:
        values = [result and result.metrics.get(metric) for result in results]
        if any(value is not None for value in values):
            yield _row(label, [None if value is None else f"{factor * value:.2f}" for value in values])


def _row(name: str, values: Sequence[str | float | None]) -> Row:
    return Row(name, tuple(str(value or formatting.DASH) for value in values))


def _charts(number: int, letters: Sequence[str], stages: Sequence[Stage | None]) -> Iterator[Chart]:
    """One a metric, with a line for each run that has it; the colour is the run's."""
    for title, lines, factor in CHARTS:
        for metric, label in lines:
            series = [
                Series(letter, scaled(points, factor), colour)
                for colour, (letter, stage) in enumerate(zip(letters, stages, strict=True), start=1)
                if stage and len(points := stage.curve(metric))
            ]
            if series:
                told = f"{title} ({label})" if label else title
                yield Chart(told, line_chart(f"stage-{number}-{metric.replace('/', '-')}", told, series))


def _settings(contenders: Sequence[Contender]) -> Iterator[Row]:
    """What differs, by dotted names."""
    flat = [dict(_flat(without_credentials(each.run.model_dump(mode="json")))) for each in contenders]
    for name in dict.fromkeys(name for settings in flat for name in settings):
        values = [settings.get(name) for settings in flat]
        if name not in _TAKEN and any(value != values[0] for value in values):
            yield Row(name, tuple(formatting.DASH if value is None else str(value) for value in values))


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        yield name, value
        return
    for key, inner in items:
        yield from _flat(inner, f"{name}.{key}" if name else str(key))
