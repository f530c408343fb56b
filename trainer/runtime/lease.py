"""One driver for a run: a small file in the run's folder says who it is, and a number in it rises while it lives.

    lease.json    who, where, since when, and how often it was renewed

Whoever finds one watches it for a while: if it is renewed, the run has a driver; if it is not, that driver is dead.
Clocks are never compared. On the same machine the process itself is looked up instead, which takes no time. Storage
has no lock that all kinds of it share, so of two that begin in the same moment the last writer wins, and the other sees
it at its next look.
"""

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from trainer import storage
from trainer.engine.folder import RunFolder
from trainer.errors import RunHeld, StorageError, StorageMissing
from trainer.runtime.proc import boot_id, process_stat

RENEW_EVERY = 3.0
WATCH = 8.0
"""Seconds without a renewal after which a driver counts as dead: over two renewals, since storage is slow at times."""
_SETTLE = 0.5
"""Seconds after which one that began in the same moment shows."""


class Holder(BaseModel):
    """Who holds a run."""

    model_config = ConfigDict(extra="forbid")

    id: str
    """Drawn anew by each driver."""
    host: str
    boot: str
    """The `boot_id` of its machine."""
    namespace: str
    """That the process number is of: each container has its own."""
    process: int
    started: int
    """The process's start in clock ticks since the machine's: a number is given to many processes."""
    since: datetime
    """For people."""
    renewed: int = 0

    @classmethod
    def this(cls) -> "Holder":
        """This very process."""
        return cls(
            id=uuid.uuid4().hex,
            host=socket.gethostname(),
            boot=boot_id(),
            namespace=_namespace(),
            process=os.getpid(),
            started=_started(os.getpid()) or 0,
            since=datetime.now(UTC),
        )

    def alive(self) -> bool | None:
        """Whether the process lives; None where that cannot be seen from here."""
        if (self.boot, self.namespace) != (boot_id(), _namespace()):
            return None
        return _started(self.process) == self.started


class Lease:
    """The lease of this process on a run, renewed from its making to its `release`.

    Args:
        say: told when another driver has to be watched.
        minutes: how long to try again at the beginning, while the storage is away.

    Raises:
        RunHeld: another driver is at work on the run. Nothing was changed.
    """

    def __init__(self, folder: RunFolder, say: Callable[[str], object], minutes: float = 0) -> None:
        self._folder = folder
        self._uri = storage.join(folder.uri, "lease.json")
        self._me = Holder.this()
        self._other: Holder | None = None
        self._over = threading.Event()
        storage.patiently(lambda: self._refuse_a_living_holder(say), minutes)
        storage.patiently(self._write, minutes)
        time.sleep(_SETTLE)
        storage.patiently(self._look, minutes)
        self.check()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Go on only if the run is still ours.

        Raises:
            RunHeld: another driver took it, since ours was not heard of for too long.
        """
        if self._other is not None:
            raise _held(self._folder, self._other)

    def release(self) -> None:
        """Give the run free. Storage that fails now only costs the next driver the time to watch."""
        self._over.set()
        self._thread.join()
        with suppress(StorageError):
            self._look()
            if self._other is None:
                storage.remove(self._uri)

    def _refuse_a_living_holder(self, say: Callable[[str], object]) -> None:
        found = self._read()
        if found is None or found.alive() is False:
            return
        if found.alive():
            raise _held(self._folder, found)
        say(f"waiting {WATCH:g} seconds: does the run's driver on {found.host} still live?")
        while self._is_renewed(found):
            if found.host != self._me.host:
                raise _held(self._folder, found)
            # A pod's successor has its name. Where the node is cut off from Kubernetes, the pod works on for a while.
            found = self._read() or found

    def _is_renewed(self, found: Holder) -> bool:
        deadline = time.monotonic() + WATCH
        while time.monotonic() < deadline:
            time.sleep(0.5)
            now = self._read()
            if now is None or now != found:
                return now is not None
        return False

    def _renew(self) -> None:
        while self._other is None and not self._over.wait(RENEW_EVERY):
            with suppress(StorageError):  # the training has means of its own against it; the next time is soon
                self._look()
                if self._other is None:
                    self._me.renewed += 1
                    self._write()

    def _look(self) -> None:
        found = self._read()
        self._other = found if found is not None and found.id != self._me.id else None

    def _read(self) -> Holder | None:
        try:
            return Holder.model_validate_json(storage.read_bytes(self._uri))
        except StorageMissing:
            return None
        except ValidationError:
            return None  # of another version, or damaged

    def _write(self) -> None:
        storage.write_text(self._uri, self._me.model_dump_json(indent=1))


@contextmanager
def held(folder: RunFolder, say: Callable[[str], object], minutes: float = 0) -> Generator[Lease]:
    """The lease on a run, as long as the block lasts; see `Lease`."""
    lease = Lease(folder, say, minutes)
    try:
        yield lease
    finally:
        lease.release()


def _held(folder: RunFolder, holder: Holder) -> RunHeld:
    since = holder.since.isoformat(sep=" ", timespec="seconds")
    return RunHeld(
        folder.uri,
        f"the run has a driver already: process {holder.process} on {holder.host}, since {since}",
        "wait for its end, or end it",
    )


def _namespace() -> str:
    return str(Path("/proc/self/ns/pid").readlink())


def _started(process: int) -> int | None:
    """When a process started, field 22; None if there is none, or a zombie, which is dead."""
    fields = process_stat(process)
    return int(fields[19]) if fields and fields[0] != "Z" else None
