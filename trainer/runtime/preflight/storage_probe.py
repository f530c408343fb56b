"""The run's folder as a node meets it: write, read back, replace, list, delete, each timed, and who sees whose file.

Each group has a folder of its own for this: a network file system may answer from memory what it was asked before.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from trainer import storage
from trainer.engine.folder import RunFolder
from trainer.errors import StorageError, StorageUnavailable
from trainer.runtime.preflight.findings import Node, Storage

T = TypeVar("T")

_ANSWER = 20.0
"""Seconds for all of a node's dealings; a storage that is away for longer is waited for by the training itself."""
_PATIENCE = 5.0
"""Seconds after which what another node has written must be seen."""


class Probe:
    """The files of one check in the run's folder."""

    def __init__(self, folder: RunFolder, token: str) -> None:
        self._run = folder.config
        self._all = folder.stage(".preflight")  # no stage can have this name
        self.uri = storage.join(self._all, token)

    def use(self, node: Node, meet: Callable[[], object]) -> Storage:
        """Go through all that a run does with its storage.

        Args:
            meet: returns once every node has written its file; called once.

        Raises:
            StorageError: something cannot be done, or what is read is not what was written.
        """
        mine = self._file(node.rank)
        write = _timed(lambda: storage.write_text(mine, "first"))
        replace = _timed(lambda: storage.write_text(mine, node.id))
        read = _timed(lambda: self._read_back(mine, node.id))
        names: list[str] = []
        listing = _timed(lambda: names.extend(storage.names(self.uri)))
        if mine.rpartition("/")[2] not in names:
            raise StorageError(self.uri, "a file that was written is not listed", "choose a storage that lists it")
        meet()
        sees_run = storage.exists(self._run)
        return Storage(
            write=write,
            read=read,
            replace=replace,
            list=listing,
            sees_run=sees_run,
            sees_first=_seen(self._file(0), _PATIENCE if sees_run else 0),
            delete=_timed(lambda: storage.remove(mine)) if node.rank else 0.0,
        )

    def clear(self) -> None:
        """Delete what is left, also of checks that ended early. The first node's file stays until then, for the others
        to see.
        """
        storage.remove(self._all)

    def _file(self, rank: int) -> str:
        return storage.join(self.uri, f"{rank}.txt")

    def _read_back(self, uri: str, text: str) -> None:
        if storage.read_text(uri) != text:
            raise StorageError(uri, "what is read is not what was written last", "choose a storage that keeps it")


def bounded(uri: str, act: Callable[[], T]) -> T:
    """What `act` returns. A mount that is dead holds up a thread of its own, and nobody else.

    Raises:
        StorageUnavailable: it does not come to its end.
    """
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(act())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, name="preflight", daemon=True).start()
    try:
        return outcome.result(_ANSWER)
    except TimeoutError as error:
        raise StorageUnavailable(uri, f"no answer in {_ANSWER:g} seconds", "see to the storage") from error


def _timed(deed: Callable[[], object]) -> float:
    start = time.monotonic()
    deed()
    return time.monotonic() - start


def _seen(uri: str, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not (seen := storage.exists(uri)) and time.monotonic() < end:
        time.sleep(0.2)
    return seen
