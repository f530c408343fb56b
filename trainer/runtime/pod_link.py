"""The line between the pods of a job: the Master's pod tells the others that it is there, and at last how the run went.

Ray cannot carry this: its processes are what may be gone. Each Worker's pod keeps one connection to the Master's open.
A sign of life comes every other second; silence or a closed line means that the Master's pod is gone and another one
will come. Both sides prove that they know the job's token, and nothing but a number ever travels.
"""

import socket
import struct
import threading
import time
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from typing import Any, TypeAlias

from trainer.errors import InputError

Line: TypeAlias = "Connection[Any, Any]"

SIGN_OF_LIFE_EVERY = 2.0
SILENCE = 10.0
"""Seconds without a sign of life after which the other side counts as gone."""


class LinkLost(Exception):
    """The Master's pod does not answer: it is not there yet, or no longer."""


class Exchange:
    """The Master's side: holds the lines of all Workers' pods."""

    def __init__(self, port: int, token: bytes) -> None:
        """Listen on all addresses; port 0 takes a free one."""
        self._token = token
        self._outcome: int | None = None
        self._ended = threading.Event()
        self._lines: set[Line] = set()
        self._socket = socket.create_server(("", port))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._listen, name="exchange", daemon=True).start()

    def announce(self, outcome: int, seconds: float) -> None:
        """Tell all pods how the run ended, and wait at most so long until they have hung up."""
        self._outcome = outcome
        self._ended.set()
        deadline = time.monotonic() + seconds
        while self._lines and time.monotonic() < deadline:
            time.sleep(0.1)

    def close(self) -> None:
        """Hang up; without an announcement this says "come back later"."""
        self._ended.set()
        self._socket.close()

    def _listen(self) -> None:
        with suppress(OSError):  # closed
            while True:
                caller, _ = self._socket.accept()
                threading.Thread(target=self._hold, args=[_line(caller)], name="line", daemon=True).start()

    def _hold(self, line: Line) -> None:
        with closing(line), suppress(OSError, EOFError, AuthenticationError):  # whoever it was has gone
            deliver_challenge(line, self._token)
            answer_challenge(line, self._token)
            self._lines.add(line)
            try:
                while not self._ended.wait(SIGN_OF_LIFE_EVERY):
                    line.send_bytes(b"")
                if self._outcome is not None:
                    line.send_bytes(str(self._outcome).encode())
                    line.poll(None)  # until the other side hangs up
            finally:
                self._lines.discard(line)


class Link:
    """A Worker's side."""

    def __init__(self, line: Line, address: str, silence: float) -> None:
        self.address = address
        """Of the Master's pod: its name need not be looked up again, which may fail."""
        self._line = line
        self._silence = silence
        self._heard = time.monotonic()

    def outcome(self, seconds: float) -> int | None:
        """Listen so long; the exit code of the run, or None while it goes on.

        Raises:
            LinkLost: the Master's pod is gone.
        """
        try:
            if self._line.poll(seconds):
                self._heard = time.monotonic()
                message = self._line.recv_bytes(maxlength=8)
                return int(message) if message else None
        except (OSError, EOFError) as error:
            raise LinkLost("the Master's pod hung up") from error
        if time.monotonic() - self._heard > self._silence:
            raise LinkLost(f"the Master's pod has been silent for {self._silence:g} seconds")
        return None


@contextmanager
def linked(address: str, port: int, token: bytes, silence: float = SILENCE) -> Generator[Link]:
    """A line to the Master's pod, as long as the block lasts.

    Args:
        silence: seconds without a sign of life after which the Master's pod counts as gone.

    Raises:
        LinkLost: it does not answer.
        InputError: it has another token.
    """
    try:
        end = socket.create_connection((address, port), timeout=5)
        found = end.getpeername()[0]
    except OSError as error:
        raise LinkLost(f"no answer from {address}:{port}") from error
    with closing(_line(end)) as line:
        try:
            answer_challenge(line, token)
            deliver_challenge(line, token)
        except AuthenticationError as error:
            raise InputError("RAY_AUTH_TOKEN_PATH", "the Master's pod has another token", "use one Secret") from error
        except (OSError, EOFError) as error:
            raise LinkLost(f"{address}:{port} hung up") from error
        yield Link(line, found, silence)


def _line(end: socket.socket) -> Line:
    """A connection on which no read or write waits longer than `SILENCE`."""
    end.setblocking(True)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        end.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", int(SILENCE), 0))
    return Connection(end.detach())
