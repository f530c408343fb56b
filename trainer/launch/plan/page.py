"""A plan as tables for people."""

from collections.abc import Callable, Iterator, Sequence

from rich.table import Table

from trainer.launch.plan.calibration import Calibration
from trainer.launch.plan.plan import Plan

_UNITS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def tables(plan: Plan) -> Iterator[Table]:
    """What the model is, what it needs, and what it takes on each group of GPUs."""
    yield _parts("Parameters", plan.parameters, "{:,}".format)
    for title, which in (("full samples", "full"), ("the expected length", "expected")):
        by_stage = {each.stage: getattr(each, which) for each in plan.memory}
        yield _parts(f"Memory of a worker, {title}, of {plan.workers}", by_stage, size)
    yield _work(plan)
    yield _storage(plan)
    if plan.estimates:
        yield _estimates(plan)
        yield _network(plan)
    if plan.calibration is not None:
        yield _calibration(plan.calibration)


def size(count: float) -> str:
    """Bytes as people read them: units of 1000."""
    for unit, name in _UNITS:
        if count >= unit:
            return f"{count / unit:,.2f} {name}"
    return f"{count:,.0f} B"


def span(hours: float) -> str:
    """Hours, or what reads better."""
    if hours >= 48:
        return f"{hours / 24:,.1f} days"
    return f"{hours:.1f} h" if hours >= 1 else f"{hours * 60:.1f} min"


def _parts(title: str, by_stage: dict[str, dict[str, int]], shown: Callable[[int], str]) -> Table:
    rows = _table(title, "", *by_stage)
    for part in dict.fromkeys(part for parts in by_stage.values() for part in parts):
        rows.add_row(part, *(shown(parts[part]) if part in parts else "" for parts in by_stage.values()))
    rows.add_row("together", *(shown(sum(parts.values())) for parts in by_stage.values()), style="bold")
    return rows


def _work(plan: Plan) -> Table:
    rows = _table("Work", "stage", "steps", "tokens, full", "tokens, expected", "FLOP/token", "FLOP, full", "expected")
    for each in plan.work:
        counts = (each.full_tokens, each.real_tokens, each.flop_per_token, each.flop, each.real_flop)
        rows.add_row(each.stage, f"{each.steps:,}", *map(_scientific, counts))
    sums = [sum(figures) for figures in zip(*((each.flop, each.real_flop) for each in plan.work), strict=True)]
    rows.add_row("together", "", "", "", "", *map(_scientific, sums), style="bold")
    return rows


def _storage(plan: Plan) -> Table:
    rows = _table("Storage", "", "size")
    for part, count in plan.storage.model_dump().items():
        rows.add_row(part, "? (--corpus-tokens)" if count is None else size(count))
    return rows


def _estimates(plan: Plan) -> Table:
    rows = _table("Time and cost", "GPUs", "time", "if full", "GPU hours", "price", "CO2", "largest micro batch")
    for each in plan.estimates:
        rows.add_row(
            f"{each.count} x {each.gpus}",
            span(each.hours),
            span(each.full_hours),
            f"{each.gpu_hours:,.0f}",
            "" if each.price is None else f"{each.price:,.2f}",
            "" if each.carbon is None else f"{each.carbon:,.1f} kg",
            _joined([f"{count:,}" for count in each.largest_micro_batch.values()]),
        )
    return rows


def _network(plan: Plan) -> Table:
    rows = _table("Network", "GPUs", "sent in a step by each worker", "bandwidth for 10 % of a step")
    for each in plan.estimates:
        sent, wanted = ([*map(size, figures.values())] for figures in (each.sent_per_step, each.bandwidth))
        rows.add_row(f"{each.count} x {each.gpus}", _joined(sent), _joined([f"{rate}/s" for rate in wanted]))
    return rows


def _calibration(found: Calibration) -> Table:
    rows = _table(f"Measured here: {found.stage}, {found.device}", "", "")
    rows.add_row("tokens/s", f"{found.tokens_per_second:,.0f}")
    rows.add_row("FLOP/s", _scientific(found.flop_per_second))
    rows.add_row("the run on this machine alone", span(found.hours))
    rows.add_row("peak of tensors, measured", size(found.measured_peak))
    rows.add_row("the same, planned", size(found.planned_peak))
    return rows


def _joined(figures: Sequence[str]) -> str:
    """Those of the stages in their order; one where all are the same."""
    return " / ".join(dict.fromkeys(figures))


def _scientific(count: float) -> str:
    return f"{count:.2e}"


def _table(title: str, *headings: str) -> Table:
    rows = Table(title=title, title_justify="left")
    for index, heading in enumerate(headings):
        rows.add_column(heading, justify="right" if index else "left")
    return rows
