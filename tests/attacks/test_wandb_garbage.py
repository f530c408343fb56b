"""A server in W&B's place that answers nonsense: the training ends as it would without, `berth sync` in a line.

What a server of W&B's can do by failing (hanging, refusing, breaking off) is in tests/tracking/test_wandb_online.py.
"""

import contextlib
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import wandb

from tests.tracking.training import IMPATIENT, own_environment, training
from trainer.errors import InputError
from trainer.tracking.sync import sync


class _Handler(http.server.BaseHTTPRequestHandler):
    """Says `raw` to whatever comes, or `body` without end."""

    raw = b""
    body = b""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.write(self.raw)
            while self.body:
                self.wfile.write(self.body)

    do_GET = do_PUT = do_POST  # noqa: N815 - the library's names

    def log_message(self, format: str, *args: object) -> None:
        """Be quiet."""


class Garbage:
    """The server; what it says, and where."""

    def __init__(self, raw: bytes, endless: bytes = b"") -> None:
        handler = type("Handler", (_Handler,), {"raw": raw, "body": endless})
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.environment = {
            "WANDB_BASE_URL": f"http://127.0.0.1:{self._server.server_port}",
            "WANDB_API_KEY": "0" * 40,
        }

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def ok(body: bytes, kind: str = "application/json") -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def bucket(fields: str) -> bytes:
    return ok(f'{{"data": {{"model": {{"bucket": {{{fields}}}}}}}}}'.encode())


ANSWERS = {
    "nothing": b"",
    "no HTTP": b"\x00\xff garbage\r\n\r\n",
    "HTML": ok(b"<html>Please log in</html>", "text/html"),
    "bytes": ok(bytes(range(256)) * 40),
    "null": ok(b"null"),
    "a list": ok(b"[]"),
    "data is a list": ok(b'{"data": [1]}'),
    "a run is a number": ok(b'{"data": {"model": {"bucket": 7, "id": []}, "upsertBucket": {"bucket": "x"}}}'),
    "a tail of another kind": bucket('"historyTail": 7, "state": {}'),
    "a tail that is no JSON": bucket('"historyTail": "<html>", "state": null'),
    "a tail of numbers": bucket('"historyTail": "[7]", "state": "running"'),
    "a step that is none": bucket('"historyTail": "[\\"{\\\\\\"_step\\\\\\": [1]}\\"]", "state": "running"'),
    "nested": ok(b"[" * 1_000_000),
    "cut short": ok(b'{"data": {}}')[:-4],
}
EVERY = [pytest.param(answer, id=name) for name, answer in ANSWERS.items()]
QUICK = ("HTML",)
SOME = [
    pytest.param(answer, id=name, marks=() if name in QUICK else pytest.mark.slow) for name, answer in ANSWERS.items()
]


@pytest.fixture
def serving() -> Iterator[Callable[..., Garbage]]:
    servers: list[Garbage] = []

    def serve(*said: bytes) -> Garbage:
        servers.append(Garbage(*said))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


@pytest.mark.parametrize("answer", SOME)
def test_a_training_ends_as_it_would_without(answer: bytes, serving: Callable[..., Garbage], tmp_path: Path) -> None:
    begin = time.monotonic()
    server: Any = serving(answer)
    process = training(
        tmp_path / "run",
        "stage = tracker(init_timeout=2, finish_timeout=1)",
        "train(stage, range(1, 101))",
        "stage.finish({'squad/f1': 80.0}, Outcome(MODEL))",
        "print('trained')",
        server=server,
        **IMPATIENT,
    )
    assert (process.returncode, process.stdout) == (0, "trained\n"), process.stderr
    assert "Traceback" not in process.stderr
    assert time.monotonic() - begin < 90  # a busy machine


@pytest.mark.slow
def test_an_answer_without_end_ends_no_training(serving: Callable[..., Garbage], tmp_path: Path) -> None:
    server: Any = serving(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[", b" " * 4096)
    process = training(
        tmp_path / "run",
        "stage = tracker(init_timeout=2, finish_timeout=1)",
        "train(stage, range(1, 101)); stage.finish({}); print('trained')",
        server=server,
        **IMPATIENT,
    )
    assert (process.returncode, process.stdout) == (0, "trained\n"), process.stderr


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was recorded offline."""
    folder = tmp_path_factory.mktemp("recorded") / "run"
    process = training(folder, "stage = tracker('offline')", "train(stage, (1, 2)); stage.finish({})")
    assert process.returncode == 0, process.stderr
    return folder


@pytest.fixture
def refusal(
    recorded: Path, serving: Callable[..., Garbage], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., str]]:
    """The line with which `berth sync` ends at such a server."""

    def refused(*said: bytes) -> str:
        for name, value in (own_environment(recorded.parent) | serving(*said).environment | IMPATIENT).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(InputError) as caught:
            list(sync(str(recorded), ["phase-1"], silence=1))
        return str(caught.value)

    yield refused
    wandb.teardown()  # it remembers the address


@pytest.mark.parametrize("answer", EVERY)
def test_what_is_recorded_stays_and_sync_says_why_in_a_line(answer: bytes, refusal: Callable[..., str]) -> None:
    line = refusal(answer)
    assert "nothing is lost" in line
    assert line.isprintable()
    assert len(line) < 500


def test_sync_reads_no_answer_without_end(refusal: Callable[..., str]) -> None:
    line = refusal(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[", b" " * (1 << 20))
    assert "W&B does not answer (more than 16 MiB)" in line
