"""Findings for people: tables on a terminal, plain columns elsewhere; for programs JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trainer.launch.events import Event
from trainer.launch.finding import Finding
from trainer.launch.status import Status, Summary

_COLOURS = {
    "Running": "green",
    "Succeeded": "green",
    "ok": "green",
    "Failed": "red",
    "broken": "red",
    "Restarting": "yellow",
    "Pending": "yellow",
    "Suspended": "yellow",
    "unsure": "yellow",
}


def show_runs(runs: Sequence[Summary], *, everywhere: bool, as_json: bool) -> None:
    if as_json:
        _json([asdict(run) for run in runs])
        return
    where = ["NAMESPACE"] if everywhere else []
    rows = [
        [
            *([run.namespace] if everywhere else []),
            run.name,
            run.phase,
            f"{run.workers_running}/{run.workers_wanted}",
            _duration(run.age_seconds),
            run.waits_for or "",
        ]
        for run in runs
    ]
    _table([*where, "NAME", "PHASE", "WORKERS", "AGE", "WAITS FOR"], rows, "no runs; `berth submit RUN` starts one")


def show_status(status: Status, *, as_json: bool, again: bool = False) -> None:
    """One screen; with `again` a terminal is cleared first."""
    if as_json:
        _json(asdict(status))
        return
    console = Console()
    if again and console.is_terminal:
        console.clear()
    rows = [(label, text) for label, text in _lines(status) if text]
    table = Table.grid(padding=(0, 2))
    for label, text in rows:
        table.add_row(label, _coloured(text))
    _print(console, table)


def show_events(events: Sequence[Event], *, as_json: bool) -> None:
    if as_json:
        _json([asdict(event) for event in events])
        return
    rows = [[_those(event.about), event.words, event.remedy] for event in events]
    _table(["WHO", "WHAT", "WHAT TO DO"], rows, "nothing holds it back")


def show_findings(findings: Sequence[Finding], *, as_json: bool) -> None:
    if as_json:
        _json([asdict(finding) for finding in findings])
        return
    rows = [[finding.check, finding.verdict, finding.found, finding.remedy] for finding in findings]
    _table(["CHECK", "VERDICT", "FOUND", "WHAT TO DO"], rows, "")


def _lines(status: Status) -> list[tuple[str, str]]:
    run, progress = status.run, status.progress
    step = " / ".join(f"{number:,}" for number in (progress.step, progress.steps) if number is not None)
    return [
        ("run", f"{run.name} in {run.namespace}"),
        ("phase", run.phase),
        ("waits for", progress.waits_for or run.waits_for or ""),
        ("stage", progress.stage or ""),
        ("step", step),
        ("ETA", "" if progress.eta_seconds is None else f"{_duration(progress.eta_seconds)} to the end of the stage"),
        ("loss", "" if progress.loss is None else f"{progress.loss:.3f}"),
        ("speed", "" if progress.tokens_per_second is None else f"{progress.tokens_per_second:,} tokens/s"),
        ("workers", _workers(status)),
        ("restarts", _restarts(status)),
        ("checkpoint", "" if progress.checkpoint is None else f"step {progress.checkpoint:,}"),
        ("W&B", progress.wandb or ""),
        ("log", status.log or ""),
        ("age", _duration(run.age_seconds)),
    ]


def _restarts(status: Status) -> str:
    if status.log and not status.restarts:
        return ""
    text = f"{status.restarts} since the Master's pod was made"
    return f"{text}, the last: {status.progress.last_failure}" if status.progress.last_failure else text


def _workers(status: Status) -> str:
    pods = f"{status.run.workers_running} of {status.run.workers_wanted} pods run"
    return pods if status.progress.workers is None else f"{status.progress.workers} train; {pods}"


def _table(columns: list[str], rows: list[list[str]], otherwise: str) -> None:
    if not rows:
        click.echo(otherwise, err=True)
        return
    console = Console()
    table = Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for row in rows:
        table.add_row(*map(_coloured, row))
    _print(console, table)


def _print(console: Console, table: Table) -> None:
    """On a terminal as wide as it is; elsewhere each row is one line, however long."""
    if console.is_terminal:
        console.print(table)
        return
    wide = Console(width=10_000, no_color=True)
    with wide.capture() as text:
        wide.print(table)
    click.echo("\n".join(line.rstrip() for line in text.get().splitlines()))


def _coloured(text: str) -> str:
    colour = _COLOURS.get(text)
    return f"[{colour}]{escape(text)}[/]" if colour else escape(text)


def _those(names: list[str]) -> str:
    return ", ".join(names) if len(names) < 4 else f"{names[0]} and {len(names) - 1} more"


def _duration(seconds: float) -> str:
    """As kubectl writes it: 45s, 12m, 3h20m, 2d4h."""
    minutes, hours, days = int(seconds) // 60, int(seconds) // 3600, timedelta(seconds=seconds).days
    if minutes < 2:
        return f"{int(seconds)}s"
    if hours < 1:
        return f"{minutes}m"
    return f"{hours}h{minutes % 60}m" if days < 1 else f"{days}d{hours % 24}h"


def _json(value: Any) -> None:
    click.echo(json.dumps(value, indent=1))
