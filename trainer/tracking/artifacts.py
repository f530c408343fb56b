"""What a W&B run refers to beside its curves: files as artifacts, answers as a table.

An artifact says where files lie; W&B neither reads nor copies them, which costs no room there and needs no rights
on the storage. Its own `add_reference` would ask Google's storage for them and read local ones to the end.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

import wandb
from wandb.sdk.artifacts.artifact_manifest_entry import ArtifactManifestEntry
from wandb.sdk.lib.paths import LogicalPath

from trainer import storage
from trainer.config.redaction import without_credentials
from trainer.tracking.answers import Answer, Answers
from trainer.tracking.tracker import Reference

MOST_ANSWERS = 100
"""In a table."""
_COLUMNS = ("question", "expected", "answered", "exact", "F1", "probability", "article", "id")


def artifact(reference: Reference) -> wandb.Artifact:
    """It has a new version where a file comes or goes, or lies elsewhere."""
    made = wandb.Artifact(reference.name, reference.kind, metadata=without_credentials(dict(reference.facts)))
    for name in reference.files:
        uri = _uri(storage.join(without_credentials(reference.uri), name))
        made.manifest.add_entry(_entry(name, uri))
    return made


def table(answers: Answers) -> wandb.Table:
    """Of all answers so many, evenly spread."""
    every = -(-len(answers.answers) // MOST_ANSWERS) or 1
    return wandb.Table(columns=list(_COLUMNS), data=list(_rows(answers, answers.answers[::every])))


def _rows(answers: Answers, shown: Iterable[Answer]) -> Iterable[list[str | float | bool | None]]:
    for answer in shown:
        expected = " | ".join(dict.fromkeys(gold.text for gold in answer.gold))
        yield [
            answer.question,
            expected,
            answer.prediction,
            answer.exact,
            round(100 * answer.f1, 2),
            answer.probability,
            answers.title(answer),
            answer.id,
        ]


def _entry(name: str, uri: str) -> ArtifactManifestEntry:
    return ArtifactManifestEntry(path=LogicalPath(name), ref=uri, digest=uri)  # as W&B does without a checksum


def _uri(place: str) -> str:
    return place if urlsplit(place).scheme else f"file://{place}"
