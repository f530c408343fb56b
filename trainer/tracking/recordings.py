"""What the stages of a run have recorded for W&B, in the order of their steps.

    <stage>/wandb/offline-run-<time>-<id>/run-<id>.wandb   recorded without the server
    <stage>/wandb/run-<time>-<id>/run-<id>.wandb           sent while it was recorded, as far as the server took it
    ... .wandb.synced                                      empty: nothing of it is left to send

That order is not the one of the names: a clock may be set back between two attempts, or be that of another node.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from trainer import storage
from trainer.tracking.transaction_log import TransactionLog


@dataclass(frozen=True, slots=True)
class Recording:
    """A folder of W&B."""

    stage: str
    name: str
    folder: str
    """Its URI."""
    file: str
    """URI of its .wandb."""
    marked: bool
    """Nothing of it is left to send."""

    @property
    def online(self) -> bool:
        return not self.name.startswith("offline-")

    @property
    def started(self) -> str:
        """When, by the clock of its node: sorts as text."""
        return self.name.split("run-", 1)[1]

    def log(self) -> TransactionLog:
        """What it holds by now."""
        return TransactionLog.of(storage.read_bytes(self.file))

    def __str__(self) -> str:
        return f"{self.stage}/wandb/{self.name}"


def recordings(folder: str, stages: Iterable[str]) -> list[Recording]:
    """Stage by stage; first what was sent, then what was not, in the order of its steps."""
    folders = {stage: storage.join(folder, stage, "wandb") for stage in stages}
    return [each for stage, place in folders.items() for each in sorted(_of_stage(stage, place), key=_order)]


def _order(recording: Recording) -> tuple[float, str]:
    return -1 if recording.marked else recording.log().first_step, recording.started


def _of_stage(stage: str, folder: str) -> Iterator[Recording]:
    for name in storage.names(folder):
        if not name.startswith(("run-", "offline-run-")):  # W&B's logs, and `latest-run`
            continue
        here = storage.join(folder, name)
        files = storage.names(here)
        for file in files:
            if file.endswith(".wandb"):
                yield Recording(stage, name, here, storage.join(here, file), f"{file}.synced" in files)
