"""The table that a run ends with: what each stage reached, beside the published card's scores."""

from typing import Any

from rich.table import Table

from trainer import storage
from trainer.config.schema import Run
from trainer.engine.folder import RunFolder
from trainer.tracking import trials
from trainer.tracking.card import card
from trainer.tracking.stages import read_result
from trainer.tracking.trials import Estimate, Sweep


def tables(run: Run) -> list[Table]:
    """What the finished stages have reached, and what the trials of a stage have in sum; empty where there is none."""
    found = results(run)
    return [table(found), *map(sweep_table, trials.read(RunFolder.of(run).uri))] if found else []


def results(run: Run) -> dict[str, dict[str, Any]]:
    """The result of every finished stage, by name.

    Raises:
        DataError: one of them holds something else.
    """
    folder = RunFolder.of(run)
    done = [stage.name for stage in run.stages if storage.exists(folder.result(stage.name))]
    return {name: read_result(folder.result(name)).model_dump() for name in done}


def table(results: dict[str, dict[str, Any]]) -> Table:
    """A row a stage; the card's scores are those of NVIDIA's `bertbaseuncased` on the official dev sets."""
    rows = Table(title="What the run reached", title_justify="left")
    for heading in ("stage", "steps", "time", "reached", "card"):
        rows.add_column(heading, justify="right" if heading in ("steps", "time") else "left")
    for name, result in results.items():
        metrics: dict[str, float] = result["metrics"]
        minutes, seconds = divmod(round(result["seconds"]), 60)
        reached, published = _scores(metrics) if result["kind"] == "squad" else (_losses(metrics), "")
        rows.add_row(name, f"{result['steps']:,}", f"{minutes}:{seconds:02d}", reached, published)
    return rows


def sweep_table(sweep: Sweep) -> Table:
    """A row a learning rate."""
    rows = Table(title=f"The trials of {sweep.stage}, on {sweep.questions:,} questions", title_justify="left")
    rows.caption = "mean ± deviation over the seeds, and the mean's 95 % interval by bootstrap over the questions"
    for heading in ("learning rate", "seeds", "EM", "F1", "best", "best trial"):
        rows.add_column(heading, justify="right" if heading in ("learning rate", "seeds") else "left")
    for rate in sweep.rates:
        best = f"{rate.exact.best:.2f} / {rate.f1.best:.2f}"
        rate_and_seeds = f"{rate.learning_rate:g}", str(len(rate.seeds))
        rows.add_row(*rate_and_seeds, _estimate(rate.exact), _estimate(rate.f1), best, rate.best)
    return rows


def _estimate(estimate: Estimate) -> str:
    deviation = "" if estimate.deviation is None else f" ± {estimate.deviation:.2f}"
    return f"{estimate.mean:.2f}{deviation} \\[{estimate.low:.2f}, {estimate.high:.2f}]"


def _losses(metrics: dict[str, float]) -> str:
    labels = {
        "eval/mlm_loss": "MLM loss {:.3f}",
        "eval/mlm_accuracy": "accuracy {:.1%}",
        "eval/nsp_accuracy": "NSP accuracy {:.1%}",
    }
    figures = [label.format(metrics[key]) for key, label in labels.items() if key in metrics]
    return f"held out: {', '.join(figures)}" if figures else "nothing held out"


def _scores(metrics: dict[str, float]) -> tuple[str, str]:
    reached = f"EM {metrics['squad/exact']:.2f}  F1 {metrics['squad/f1']:.2f}"
    version_2 = "squad/NoAns_exact" in metrics
    if version_2:
        reached += (
            f"\nanswerable EM {metrics['squad/HasAns_exact']:.2f}, no answer {metrics['squad/NoAns_exact']:.2f} %"
        )
    published = card(version_2)
    return reached, f"EM {published.exact:.2f}  F1 {published.f1:.2f}"
