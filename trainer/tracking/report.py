"""The page that tells a run's whole story: `report.html` in the run's folder, one file, no network.

In: the run and what its stages left below its folder. Out: HTML rendered from `report.html.jinja`, `report.css` and
`report.js`. It can be written at any time; a stage that has not finished is shown as such. All that comes from data is
escaped, and no script but ours runs in the page, which says all that matters without it.
"""

import base64
import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml
from markupsafe import Markup

from trainer import storage
from trainer.config import schema
from trainer.config.redaction import without_credentials
from trainer.errors import DataError
from trainer.tracking import trials
from trainer.tracking.card import Card, card, comparison
from trainer.tracking.changes import Change, changes
from trainer.tracking.curves import Chart, charts
from trainer.tracking.findings import Findings, findings
from trainer.tracking.health import read_health
from trainer.tracking.origin import versions
from trainer.tracking.pages import template
from trainer.tracking.stages import Stage, read_stage


@dataclass(frozen=True, slots=True)
class Score:
    """One line of a score table, in percent."""

    name: str
    value: float | None
    published: float | None = None
    human: float | None = None


@dataclass(frozen=True, slots=True)
class Chapter:
    """All that the page shows of one stage."""

    stage: Stage
    card: Card | None
    comparison: str
    scores: Sequence[Score]
    charts: Sequence[Chart]
    changes: Sequence[Change]
    findings: Findings | None


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
    browsed = _browsed(run, stages)
    script = _script()
    page = template("report.html.jinja").render(
        run=run,
        corpus=corpus,
        health=read_health(storage.join(folder_uri, "corpus", "doctor.json")),
        chapters=[_chapter(run, stage, corpus, browsed=stage.name in browsed) for stage in stages],
        sweeps=trials.read(folder_uri),
        parameters=next((stage.result.parameters for stage in stages if stage.result), None),
        finished=all(stage.result for stage in stages),
        seconds=sum(stage.seconds for stage in stages),
        command=_command(run, folder_uri),
        settings=yaml.safe_dump(
            without_credentials(run.model_dump(mode="json", exclude_defaults=True)), sort_keys=False, width=100
        ),
        versions={"Python": platform.python_version()} | versions(),
        script=script,
        script_hash=f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}",
    )
    uri = storage.join(folder_uri, "report.html")
    storage.write_text(uri, page)
    return uri


def _script() -> Markup:
    """Ours, so it may stand in the page as it is."""
    return Markup(resources.files("trainer.tracking").joinpath("report.js").read_text(encoding="utf-8"))


def _chapter(run: schema.Run, stage: Stage, corpus: Corpus | None, *, browsed: bool) -> Chapter:
    squad = stage.result if isinstance(stage.settings, schema.Squad) else None
    return Chapter(
        stage=stage,
        card=card(squad.version_2) if squad else None,
        comparison=comparison(run, squad.version_2, squad.score("total")) if squad else "",
        scores=_scores(stage) if browsed else [],
        charts=charts(stage, corpus.unigram_entropy if corpus else None),
        changes=changes(stage),
        findings=findings(stage.name, stage.answers) if browsed and stage.answers.answers else None,
    )


def _scores(stage: Stage) -> list[Score]:
    result = stage.result
    if result is None or result.kind == "pretrain":
        return []
    published = card(result.version_2)
    scores = [
        Score("Exact match", result.score("exact"), published.exact, published.human_exact),
        Score("F1", result.score("f1"), published.f1, published.human_f1),
    ]
    if result.version_2:
        scores += [
            Score("Exact match where there is an answer", result.score("HasAns_exact")),
            Score("F1 where there is an answer", result.score("HasAns_f1")),
            Score("Left unanswered where there is none", result.score("NoAns_exact")),
        ]
    return scores


def _browsed(run: schema.Run, stages: Sequence[Stage]) -> set[str]:
    """The names of the stages whose scores and answers are shown: of several trials, the best."""
    # All answers of all trials would be a page of some 20 MB.
    f1 = {stage.name: stage.result.score("f1") or 0.0 for stage in stages if stage.result}
    entries = [[trial.name for trial in entry.trials(run.seed) if trial.name in f1] for entry in run.squad]
    return {max(names, key=f1.__getitem__) for names in entries if names}


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
