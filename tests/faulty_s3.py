"""Object storage that misbehaves: a real S3 server behind a small HTTP proxy that injects faults on the way.

    client -> FaultyS3 (loopback, ours) -> moto's server

Which requests meet a fault is a function of (seed, request, how often it came), so a schedule is the same whenever a
test runs, however many processes ask at once; the kinds of fault take turns.
"""

import contextlib
import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Generator, Sequence
from http.server import ThreadingHTTPServer
from typing import Literal

from tests.http_handler import HttpHandler

Fault = Literal["slow_down", "trickle", "truncate", "reset", "lost_answer", "denied"]
"""`slow_down`: 503. `trickle`: the body begins at some KB/s. `truncate`: the connection ends within the body. `reset`:
TCP RST instead of an answer; `lost_answer`: the same after the server did what it was asked. `denied`: 403."""

PASSING: tuple[Fault, ...] = ("slow_down", "trickle", "truncate", "reset", "lost_answer")
"""Those that a client is to survive."""

_ERRORS = {
    "slow_down": (503, "SlowDown", "Please reduce your request rate."),
    "denied": (403, "AccessDenied", "Access Denied"),
}
_PIECE = 512
"""Bytes that a trickle lets through at once, every 0.1 s."""
_TRICKLED = 5 * _PIECE
"""Bytes after which a trickle is a stream again."""
_HOP_BY_HOP = {"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"}


class FaultyS3:
    """The proxy: what it injects is set while it runs, what it did is counted."""

    def __init__(self, upstream: tuple[str, int], seed: int = 0) -> None:
        self.upstream = upstream
        self.faults: Sequence[Fault] = ()
        """Those to choose from; none: a faultless server."""
        self.share = 0.5
        """Of the requests that meet one."""
        self.in_a_row = 1
        """How often the same request may meet one, at most."""
        self.injected: Counter[Fault] = Counter()
        self.changes_left: int | None = None
        """So many more requests that change something are granted, then nothing any more: all that storage sees of a
        client's death.
        """
        self.requests = 0
        self.endpoint = ""
        self._seed = seed
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs, spelled as the AWS SDKs read it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test-key",
            "AWS_SECRET_ACCESS_KEY": "test-secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def misbehave(self, *faults: Fault, share: float = 0.5, in_a_row: int = 1) -> None:
        """From now on; forgets what was counted."""
        with self._lock:
            self.faults, self.share, self.in_a_row, self.changes_left = faults, share, in_a_row, None
            self.injected.clear()
            self._seen.clear()
            self.requests = 0

    def fault_of(self, request: str) -> Fault | None:
        """What is done to the request, which is counted."""
        with self._lock:
            self.requests += 1
            if self.changes_left is not None:
                if self.changes_left == 0:
                    return "denied"
                self.changes_left -= not request.startswith(("GET", "HEAD"))
            self._seen[request] += 1
            draw = random.Random(f"{self._seed} {self._seen[request]} {request}")
            if not self.faults or draw.random() >= self.share or self._seen[request] > self.in_a_row:
                return None
            fault = self.faults[self.injected.total() % len(self.faults)]
            if fault == "truncate" and request.startswith("HEAD"):  # there is nothing to cut short
                return None
            self.injected[fault] += 1
            return fault

    @contextlib.contextmanager
    def listening(self) -> Generator["FaultyS3"]:
        """On a free port of loopback."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": self}))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Handler(HttpHandler):
    """A client's connection."""

    proxy: FaultyS3

    def do_GET(self) -> None:  # noqa: N802 - the library's name
        body = self.read_body()
        fault = self.proxy.fault_of(f"{self.command} {self.path} {self.headers.get('Range')}")
        if fault == "reset":
            self.reset()
        elif fault in _ERRORS:
            self._refuse(*_ERRORS[fault])
        else:
            status, headers, answer = self._forwarded(body)
            if fault == "lost_answer":
                self.reset()
            else:
                self._answer(status, headers, answer, fault)

    do_DELETE = do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815 - the library's names

    def _forwarded(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = http.client.HTTPConnection(*self.proxy.upstream)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP | {"expect"}}
        try:
            upstream.request(self.command, self.path, body, headers | {"Content-Length": str(len(body))})
            response = upstream.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            upstream.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes, fault: Fault | None) -> None:
        self.send_response(status)
        length = str(len(body))
        for name, value in headers:
            if name.lower() == "content-length" and self.command == "HEAD":
                length = value
            elif name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        if fault == "truncate" and body:
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        elif fault == "trickle":
            for start in range(0, min(len(body), _TRICKLED), _PIECE):
                self.wfile.write(body[start : min(start + _PIECE, _TRICKLED)])
                time.sleep(0.1)
            self.wfile.write(body[_TRICKLED:])
        else:
            self.wfile.write(body)

    def _refuse(self, status: int, code: str, message: str) -> None:
        body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
        self._answer(status, [("Content-Type", "application/xml")], b"" if self.command == "HEAD" else body, None)
