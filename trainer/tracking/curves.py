"""Which curves a stage shows, and how they are grouped into charts.

In: a `Stage`. Out: one chart for each group of metrics that were logged at all, in the order in which one reads a
training: the losses, what they are good for, then what drives them.
"""

from dataclasses import dataclass

from markupsafe import Markup

from trainer.tracking.changes import changes
from trainer.tracking.charts import Points, Reference, Series, line_chart
from trainer.tracking.stages import Stage

Lines = tuple[tuple[str, str], ...]
"""(metric, label) of each line of a chart."""

CHARTS: tuple[tuple[str, Lines, float], ...] = (
    ("Masked LM loss, nats", (("train/mlm_loss", "train"), ("eval/mlm_loss", "held out")), 1),
    ("Masked tokens found, %", (("train/mlm_accuracy", "train"), ("eval/mlm_accuracy", "held out")), 100),
    ("Next sentence loss, nats", (("train/nsp_loss", "train"), ("eval/nsp_loss", "held out")), 1),
    (
        "Next sentence told from a random one, %",
        (("train/nsp_accuracy", "train"), ("eval/nsp_accuracy", "held out")),
        100,
    ),
    ("Loss of the answer’s start and end, nats", (("train/span_loss", ""),), 1),
    ("Answers with the right start and end, %", (("train/span_accuracy", ""),), 100),
    ("Scores on the dev file while training, %", (("eval/exact", "EM"), ("eval/f1", "F1")), 1),
    ("Learning rate", (("train/learning_rate", ""),), 1),
    ("Gradient norm", (("train/grad_norm", ""),), 1),
    ("Update norm", (("train/update_norm", ""),), 1),
    ("Tokens per second", (("train/tokens_per_second", ""),), 1),
    ("Time spent waiting for batches, %", (("train/data_wait", ""),), 100),
)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with its caption."""

    title: str
    svg: Markup


def charts(stage: Stage, unigram_entropy: float | None) -> list[Chart]:
    """The charts of a stage, each with a mark where it changed hands.

    Args:
        stage: with its history.
        unigram_entropy: in nats; the loss of a model that knows nothing but how frequent each token of the corpus is.
    """
    found: list[Chart] = []
    marks = [change.step for change in changes(stage)]
    for title, lines, factor in CHARTS:
        series = [
            Series(label, scaled(points, factor)) for metric, label in lines if len(points := stage.curve(metric))
        ]
        entropy = unigram_entropy if lines[0][0] == "train/mlm_loss" else None
        reference = Reference("unigram entropy", entropy) if entropy is not None else None
        if series:
            found.append(Chart(title, line_chart(f"{stage.name}-{len(found)}", title, series, reference, marks)))
    return found


def scaled(points: Points, factor: float) -> Points:
    """The points in the unit that a chart's title names."""
    return points * (1.0, factor)
