"""An API server that a test plays: real HTTP, with objects, refusals and logs that the test decides on."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from kubernetes.config import kube_config

from tests.http_handler import HttpHandler

Query = dict[str, str]
Answer = Callable[[Query], Any]
"""Gives an object, or a log: pieces of bytes, as they are to be sent."""


class Refusal(Exception):
    """Of the API server: its status and what it says."""

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message


class Server:
    """Answers GETs and PATCHes; what has no answer is not found, as where there is no such API."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        """By path."""
        self.changes: dict[str, Callable[[Any], Any]] = {}
        """Answers to PATCHes, given what is to change, by path."""
        self.asked: list[tuple[str, Query]] = []
        self.away = False
        """Breaks off whatever is asked."""
        self.port = 0


def choose_server(port: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a kubeconfig with one context, `played`, in namespace `ns`, and let it be the one that is read."""
    file = folder / "kubeconfig"
    context = {"cluster": "played", "user": "played", "namespace": "ns"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "played", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "played", "user": {"token": "x"}}],
        "contexts": [{"name": "played", "context": context}],
        "current-context": "played",
    }
    file.write_text(yaml.safe_dump(config))
    choose_kubeconfig(file, monkeypatch)


def choose_kubeconfig(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client reads KUBECONFIG once, when it is imported."""
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(file))


@contextmanager
def played() -> Iterator[Server]:
    """The server, as long as the block lasts."""
    server = Server()

    class Handler(HttpHandler):
        def do_GET(self) -> None:  # noqa: N802 - the library's name
            url = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            server.asked.append((url.path, query))
            if server.away:
                self.close_connection = True
                return
            try:
                if url.path not in server.answers:
                    self._refuse(404, "404 page not found")
                elif url.path.endswith("/log"):
                    self._send_log(server.answers[url.path](query))
                else:
                    self.answer_json(200, server.answers[url.path](query))
            except Refusal as refusal:
                self._refuse(refusal.status, refusal.message)
            except (ConnectionError, EOFError):
                self.close_connection = True

        def do_PATCH(self) -> None:  # noqa: N802 - the library's name
            change = json.loads(self.read_body())
            try:
                self.answer_json(200, server.changes[self.path](change))
            except Refusal as refusal:
                self._refuse(refusal.status, refusal.message)

        def _send_log(self, pieces: Iterator[bytes]) -> None:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in pieces:
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")

        def _refuse(self, status: int, message: str) -> None:
            self.answer_json(status, {"kind": "Status", "message": message, "code": status})

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server.port = http.server_port
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
