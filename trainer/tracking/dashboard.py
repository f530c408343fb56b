"""The dashboard of a run on W&B, as code: a saved view for looking closely, and a report for telling others.

In: a run. Out: both as objects of wandb-workspaces (the extra `dashboard`), or as the JSON that is sent. Both show the
stages of the run, which are the W&B runs of its group; only the report's last section shows the runs of the whole
project. What a stage of the run cannot log has no panel. The same run gives the same JSON: ids are made of titles.
"""

# Its documented names are not exported in pyright's sense; ids, and the model of what it sends, are private.
# pyright: reportPrivateUsage=false, reportPrivateImportUsage=false

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import wandb_workspaces.reports.v2 as wr
import wandb_workspaces.workspaces as ws

from trainer.config import schema
from trainer.tracking.card import V1, V2, comparison
from trainer.tracking.wandb_tracker import STEP

Drawn = wr.LinePlot | wr.BarPlot | wr.MarkdownPanel | wr.RunComparer

MOST_STAGES = 50
"""Lines or bars of a chart: a sweep of SQuAD has many stages."""

SQUAD = "SQuAD beside the card"
COMPARISON = "Comparison of runs"


@dataclass(frozen=True, slots=True)
class Chart:
    """Some metrics over another one, or as they are in the end."""

    title: str
    metrics: tuple[str, ...]
    over: str | None = STEP
    """None: a bar for each stage's last value."""


@dataclass(frozen=True, slots=True)
class Section:
    """Charts that answer one question."""

    title: str
    question: str
    charts: tuple[Chart, ...]
    text: str = ""
    """Markdown that stands beside the charts."""


SECTIONS = (
    Section(
        "Training",
        "Does the loss fall, and what drives it?",
        (
            Chart("Loss, nats", ("train/loss",)),
            Chart("Masked LM loss, nats", ("train/mlm_loss",)),
            Chart("Next sentence loss, nats", ("train/nsp_loss",)),
            Chart("Loss of the answer's start and end, nats", ("train/span_loss",)),
            Chart("Right, share", ("train/mlm_accuracy", "train/nsp_accuracy", "train/span_accuracy")),
            Chart("Learning rate", ("train/learning_rate",)),
            Chart("Gradient norm", ("train/grad_norm",)),
            Chart("Update norm", ("train/update_norm",)),
            Chart("Steps not taken, and returns to a checkpoint", ("train/skipped_steps", "train/rollbacks")),
        ),
    ),
    Section(
        "Held out",
        "Does it hold for text that the training never saw?",
        (
            Chart("Masked LM loss, nats: train and held out", ("train/mlm_loss", "eval/mlm_loss")),
            Chart("Perplexity of masked tokens", ("eval/perplexity",)),
            Chart("Masked tokens found, share: train and held out", ("train/mlm_accuracy", "eval/mlm_accuracy")),
            Chart("Next sentence loss, nats: train and held out", ("train/nsp_loss", "eval/nsp_loss")),
            Chart("Next sentence told from a random one, share", ("train/nsp_accuracy", "eval/nsp_accuracy")),
        ),
    ),
    Section(
        SQUAD,
        "What is the pretraining worth?",
        (
            Chart("F1, %", ("squad/f1",), over=None),
            Chart("Exact match, %", ("squad/exact",), over=None),
            Chart("v2.0, answerable, %", ("squad/HasAns_exact", "squad/HasAns_f1"), over=None),
            Chart("v2.0, no answer, %", ("squad/NoAns_exact",), over=None),
            Chart("While training, %", ("eval/exact", "eval/f1")),
            Chart("While training, v2.0, %", ("eval/HasAns_exact", "eval/HasAns_f1", "eval/NoAns_exact")),
        ),
    ),
    Section(
        "Speed and system",
        "Is the hardware put to use, and was the training disturbed?",
        (
            Chart("Tokens per second", ("train/tokens_per_second",)),
            Chart("The model's own operations, 10^12 a second", ("train/tflops",)),
            Chart("Share of the hardware's peak (MFU)", ("train/mfu",)),
            Chart("Waiting for batches, share of the time", ("train/data_wait",)),
            Chart("Padding, share of a batch", ("train/padding",)),
            Chart("Tokens so far", ("train/tokens",)),
            Chart("Workers", ("train/world_size",)),
            Chart("Starts after a failure or another number of workers", ("train/restarts",)),
            Chart("Last checkpoint, step", ("checkpoint/step",)),
            Chart("Seconds to write a checkpoint", ("checkpoint/seconds",)),
        ),
    ),
    Section(
        COMPARISON,
        "Which settings differ, and what do they change?",
        (
            Chart("Masked LM loss, nats, by tokens", ("eval/mlm_loss",), over="train/tokens"),
            Chart("Loss of the answer's start and end, nats, by tokens", ("train/span_loss",), over="train/tokens"),
            Chart("F1, %, of each run", ("squad/f1",), over=None),
        ),
    ),
)


def workspace(run: schema.Run, entity: str) -> ws.Workspace:
    """The saved view."""
    return ws.Workspace(
        entity=entity,
        project=run.tracking.project,
        name=f"Berth {run.name}",
        sections=[ws.Section(name=each.title, panels=[*_panels(each)], is_open=True) for each in sections(run)],
        settings=ws.WorkspaceSettings(x_axis=STEP, max_runs=MOST_STAGES),
        runset_settings=ws.RunsetSettings(filters=_stages_of(run)),
    )


def report(run: schema.Run, entity: str) -> wr.Report:
    """The report, which still says nothing of where it is kept."""
    blocks: list[Any] = [wr.TableOfContents()]
    for section in sections(run):
        grid = wr.PanelGrid(runsets=[_runset(run, section)], panels=_laid_out(_panels(section)))
        blocks += [wr.H1(section.title), wr.P(section.question), grid]
    return wr.Report(
        entity=entity,
        project=run.tracking.project,
        title=f"Berth {run.name}",
        description="Written by `berth dashboard`, which writes it anew; what is added here is lost then.",
        blocks=blocks,
        width="fluid",
    )


def spec(run: schema.Run) -> dict[str, Any]:
    """What is sent to W&B: {view, report}. Who owns them is left open where the run's settings do."""
    entity = run.tracking.entity or ""
    objects: dict[str, Any] = {"view": workspace(run, entity), "report": report(run, entity)}
    # The library has no public way to show what it sends.
    return {
        name: each._to_model().model_dump(mode="json", by_alias=True, exclude_none=True)
        for name, each in objects.items()
    }


def sections(run: schema.Run) -> list[Section]:
    """The sections and charts for which the run has figures."""
    found: list[Section] = []
    for section in SECTIONS:
        logged = [
            replace(chart, metrics=tuple(metric for metric in chart.metrics if _logs(run, metric)))
            for chart in section.charts
        ]
        text = _card(run) if section.title == SQUAD else ""
        if charts := tuple(chart for chart in logged if chart.metrics):
            found.append(replace(section, charts=charts, text=text))
    return found


def _logs(run: schema.Run, metric: str) -> bool:
    """Whether a stage of the run can log the metric."""
    group, _, name = metric.partition("/")
    if name.startswith("nsp_"):
        return any(stage.next_sentence_prediction for stage in run.pretrain)
    if name.startswith(("mlm_", "perplexity")):
        return bool(run.pretrain)
    if name.startswith("span_") or group == "squad":
        return bool(run.squad)
    return group != "eval" or any(stage.eval_every for stage in run.squad)


def _card(run: schema.Run) -> str:
    """The scores that those of the run stand beside."""
    rows = [
        f"| SQuAD {version}, {name} | {exact} | {f1} |"
        for version, card in (("v1.1", V1), ("v2.0", V2))
        for name, exact, f1 in ((card.name, card.exact, card.f1), ("people", card.human_exact, card.human_f1))
    ]
    caveat = "The card's scores are on the official dev sets, those of people on the test sets."
    told = comparison(run, version_2=False, questions=None) if run.world else caveat
    return "\n".join(["| | EM, % | F1, % |", "|---|---|---|", *rows, "", told])


def _panels(section: Section) -> list[Drawn]:
    drawn: dict[str, Drawn] = {chart.title: _drawn(chart) for chart in section.charts}
    if section.text:
        drawn["text"] = wr.MarkdownPanel(markdown=section.text)
    if section.title == COMPARISON:
        drawn["settings"] = wr.RunComparer(diff_only="split")
    for title, panel in drawn.items():
        panel._id = _id(section.title, title)
    return list(drawn.values())


def _drawn(chart: Chart) -> Drawn:
    metrics: list[Any] = list(chart.metrics)
    if chart.over is None:
        return wr.BarPlot(title=chart.title, metrics=metrics, max_bars_to_show=MOST_STAGES)
    return wr.LinePlot(title=chart.title, x=chart.over, y=metrics, max_runs_to_show=MOST_STAGES)


def _laid_out(panels: Sequence[Drawn]) -> list[Any]:
    """In rows of three, which fill a report's 24 columns; the table of settings, which is the last, has a row."""
    for number, panel in enumerate(panels):
        panel.layout = wr.Layout(x=8 * (number % 3), y=6 * (number // 3), w=8, h=6)
        if isinstance(panel, wr.RunComparer):
            panel.layout = wr.Layout(x=0, y=6 * math.ceil(number / 3), w=24, h=12)
    return list(panels)


def _runset(run: schema.Run, section: Section) -> wr.Runset:
    """Of the report's own project, which W&B takes where a set of runs names none."""
    if section.title == COMPARISON:
        runset = wr.Runset(name=f"All runs of {run.tracking.project}", groupby=["Group"])
    else:
        runset = wr.Runset(name=f"Stages of {run.name}", filters=_stages_of(run))
    runset._id = _id(section.title, "runs")
    return runset


def _stages_of(run: schema.Run) -> str:
    return f'Metric("Group") == "{run.name}"'


def _id(*titles: str) -> str:
    """Drawn by chance in the library; from titles, it is a panel's own whenever it is written anew."""
    return hashlib.sha256("/".join(titles).encode()).hexdigest()[:12]
