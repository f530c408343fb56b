"""The folder of a job that runs on this machine: its objects as YAML, which may be changed while it runs.

It lies in the cache of whoever runs the job, is known by the job's name, and goes when the job has ended.
"""

import fcntl
import os
import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from trainer import storage
from trainer.errors import InputError
from trainer.launch.object import Object


@dataclass(frozen=True)
class JobFolder:
    name: str

    @property
    def path(self) -> Path:
        return storage.cache_folder() / "pods" / self.name

    @property
    def _objects(self) -> Path:
        return self.path / "objects.yaml"

    @property
    def changed(self) -> int:
        """When the objects were written, in ns."""
        return self._objects.stat().st_mtime_ns

    @contextmanager
    def held(self, objects: Sequence[Object]) -> Generator[None]:
        """Make it anew for a job that runs as long as the block lasts.

        Raises:
            InputError: another command runs a job of that name.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = os.open(self.path, os.O_RDONLY)
        try:
            if not _locked(folder):
                raise InputError(f"run {self.name}", "its pods run here already", "stop them, or choose another name")
            for left in self.path.iterdir():  # by a command that was killed
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            self.write(objects)
            yield
            shutil.rmtree(self.path)
        finally:
            os.close(folder)

    def write(self, objects: Sequence[Object]) -> None:
        """All at once: who reads sees the old ones or these."""
        new = self._objects.with_suffix(".new")
        new.write_text(yaml.safe_dump_all(objects, sort_keys=False))
        new.replace(self._objects)

    def scale(self, workers: int) -> None:
        """Want so many Worker pods.

        Raises:
            InputError: no job of that name runs here.
        """
        objects = self.read()
        only("PyTorchJob", objects)["spec"]["pytorchReplicaSpecs"]["Worker"]["replicas"] = workers
        self.write(objects)

    def read(self) -> list[Object]:
        """Raises: InputError: no job of that name runs here."""
        try:
            folder = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            raise self._missing() from None
        try:
            if _locked(folder):
                raise self._missing()
            return list(yaml.safe_load_all(self._objects.read_text()))
        finally:
            os.close(folder)

    def _missing(self) -> InputError:
        return InputError(f"run {self.name}", "none of its pods run here", "start it with `berth run --pods`")


def _locked(folder: int) -> bool:
    """Whether the lock of an open folder was free; it is held until that is closed."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def only(kind: str, objects: Sequence[Object]) -> Object:
    """The one object of a kind that a release has one of."""
    return next(each for each in objects if each["kind"] == kind)
