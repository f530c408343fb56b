"""Where everything of a run lies: one folder, `storage`/`name`, with a folder for each stage.

run.yaml                what was asked for
lease.json              which driver is at work, while one is
traces/                 the stacks of workers that hung, one folder each time
preflight.json          what was found of the nodes, before they trained
world/                  the invented world, if any
vocab/vocab.txt         the vocabulary, given or trained
corpus/                 Arrow shards and corpus.json; of a prepared corpus only the latter
<stage>/checkpoints/    see `checkpoint`
<stage>/model/          a model directory that Hugging Face opens
<stage>/history.jsonl   the curves
<stage>/result.json     written last: the stage is finished
report.html
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from trainer import storage
from trainer.config.corpus import CorpusRun
from trainer.config.schema import Run


@dataclass(frozen=True, slots=True)
class RunFolder:
    """URIs in a run's folder."""

    OWN: ClassVar = "run://"
    """What the URI of a file in it begins with in a configuration."""

    uri: str
    base: str
    """The directory where the run was started, and where relative paths of its configuration begin: workers have
    another.
    """

    @classmethod
    def of(cls, run: Run) -> "RunFolder":
        return cls(storage.join(storage.absolute(run.storage), run.name), str(Path.cwd()))

    @classmethod
    def of_corpus(cls, run: CorpusRun) -> "RunFolder":
        """It has `vocab` and `corpus` alone."""
        return cls(storage.absolute(run.storage).rstrip("/"), str(Path.cwd()))

    @property
    def config(self) -> str:
        return storage.join(self.uri, "run.yaml")

    @property
    def world(self) -> str:
        return storage.join(self.uri, "world")

    @property
    def vocab(self) -> str:
        return storage.join(self.uri, "vocab")

    @property
    def vocab_file(self) -> str:
        return storage.join(self.vocab, "vocab.txt")

    @property
    def corpus(self) -> str:
        return storage.join(self.uri, "corpus")

    def stage(self, name: str, *parts: str) -> str:
        return storage.join(self.uri, name, *parts)

    def checkpoints(self, stage: str) -> str:
        return self.stage(stage, "checkpoints")

    def model(self, stage: str) -> str:
        return self.stage(stage, "model")

    def result(self, stage: str) -> str:
        return self.stage(stage, "result.json")

    def resolve(self, uri: str) -> str:
        """A URI of the configuration as one that any process can open: `run://` is this folder."""
        if uri.startswith(self.OWN):
            return storage.join(self.uri, uri.removeprefix(self.OWN))
        return storage.absolute(uri, self.base)
