"""The page that tells a run's whole story: `report.html` in the run's folder, one file, no network, no script.

In: the run and what its stages left below its folder. Out: HTML rendered from `report.html.jinja` and `report.css`. It
can be written at any time; a stage that has not finished is shown as such. All that comes from data is escaped.
"""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import jinja2
import yaml

from trainer import storage
from trainer.config import schema
from trainer.errors import DataError
from trainer.tracking import figures
from trainer.tracking.card import Card, card, comparison
from trainer.tracking.curves import Chart, charts
from trainer.tracking.excerpts import Piece, excerpt
from trainer.tracking.health import read_health
from trainer.tracking.redaction import without_credentials
from trainer.tracking.stages import Answer, Stage, read_stage

ANSWERS = 4
"""So many right and so many wrong ones are shown."""


@dataclass(frozen=True, slots=True)
class Score:
    """One line of a score table, in percent."""

    name: str
    value: float | None
    published: float | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """An answered question with the stretch of its context to look at."""

    answer: Answer
    pieces: Sequence[Piece]


@dataclass(frozen=True, slots=True)
class Chapter:
    """All that the page shows of one stage."""

    stage: Stage
    card: Card | None
    comparison: str
    scores: Sequence[Score]
    charts: Sequence[Chart]
    right: Sequence[Example]
    wrong: Sequence[Example]


@dataclass(frozen=True, slots=True)
class Corpus:
    """The size of the prepared corpus, all splits together."""

    documents: int
    sentences: int
    tokens: int
    unigram_entropy: float | None
    unknown_rate: float | None
    vocab_size: int | None


def write_report(run: schema.Run, folder_uri: str) -> str:
    """Write `report.html` into the run's folder.

    Returns:
        The page's URI.

    Raises:
        DataError: a file of the run holds something else than it should.
        StorageError: the folder cannot be read or written.
    """
    corpus = _corpus(storage.join(folder_uri, "corpus", "corpus.json"))
    stages = [read_stage(settings, storage.join(folder_uri, settings.name)) for settings in run.stages]
    page = _template().render(
        run=run,
        corpus=corpus,
        health=read_health(storage.join(folder_uri, "corpus", "doctor.json")),
        chapters=[_chapter(run, stage, corpus) for stage in stages],
        parameters=next((stage.result.parameters for stage in stages if stage.result), None),
        finished=all(stage.result for stage in stages),
        seconds=sum(stage.seconds for stage in stages),
        command=_command(run, folder_uri),
        settings=yaml.safe_dump(
            without_credentials(run.model_dump(mode="json", exclude_defaults=True)), sort_keys=False, width=100
        ),
        versions={"Python": platform.python_version()}
        | {name: metadata.version(name) for name in ("torch", "ray", "wandb")},
        format=figures,
    )
    uri = storage.join(folder_uri, "report.html")
    storage.write_text(uri, page)
    return uri


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("trainer.tracking", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["uri"] = without_credentials
    return environment.get_template("report.html.jinja")


def _chapter(run: schema.Run, stage: Stage, corpus: Corpus | None) -> Chapter:
    squad = stage.result if isinstance(stage.settings, schema.Squad) else None
    return Chapter(
        stage=stage,
        card=card(squad.version_2) if squad else None,
        comparison=comparison(run, squad.version_2, squad.score("total")) if squad else "",
        scores=_scores(stage),
        charts=charts(stage, corpus.unigram_entropy if corpus else None),
        right=_examples([answer for answer in stage.answers if answer.exact]),
        wrong=_examples([answer for answer in stage.answers if not answer.exact]),
    )


def _scores(stage: Stage) -> list[Score]:
    result = stage.result
    if result is None or result.kind == "pretrain":
        return []
    published = card(result.version_2)
    scores = [
        Score("Exact match", result.score("exact"), published.exact),
        Score("F1", result.score("f1"), published.f1),
    ]
    if result.version_2:
        scores += [
            Score("Exact match where there is an answer", result.score("HasAns_exact")),
            Score("F1 where there is an answer", result.score("HasAns_f1")),
            Score("Left unanswered where there is none", result.score("NoAns_exact")),
        ]
    return scores


def _examples(answers: Sequence[Answer]) -> list[Example]:
    return [Example(answer, excerpt(answer.context, answer.gold, answer.prediction)) for answer in answers[:ANSWERS]]


def _corpus(uri: str) -> Corpus | None:
    if not storage.exists(uri):
        return None
    try:
        manifest: dict[str, Any] = json.loads(storage.read_bytes(uri))
        totals = manifest["totals"]
        return Corpus(
            documents=_total(totals, "documents"),
            sentences=_total(totals, "sentences"),
            tokens=_total(totals, "tokens"),
            unigram_entropy=manifest.get("unigram_entropy"),
            unknown_rate=manifest.get("unknown_rate"),
            vocab_size=manifest.get("vocab_size"),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            uri, f"not a corpus manifest ({error!r})", "delete the corpus folder and run the same command again"
        ) from error


def _total(totals: Mapping[str, Any], what: str) -> int:
    """Totals are given at once or for each split."""
    splits = [split for split in totals.values() if isinstance(split, dict)]
    return sum(int(split[what]) for split in splits) if splits else int(totals[what])


def _command(run: schema.Run, folder_uri: str) -> str:
    """Repeats the run under another name, since a finished stage is not run again."""
    saved = storage.join(folder_uri, "run.yaml")
    source = without_credentials(saved) if storage.exists(saved) else f"{run.name}.yaml"
    return f"berth run {source} name={run.name[:38].rstrip('-')}-2"
