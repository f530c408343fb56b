"""A line to the API server that a test can cut, whoever else uses the server."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import yaml


class Line:
    """Carries what comes to `port` on this machine to the API server of a kubeconfig, and back, until it is cut."""

    def __init__(self, kubeconfig: Path) -> None:
        self._config = yaml.safe_load(kubeconfig.read_text())
        self._cluster = self._config["clusters"][0]["cluster"]
        server = urlsplit(self._cluster["server"])
        self._host, self._port = str(server.hostname), server.port or 443
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []
        self.port = 0

    def kubeconfig(self, folder: Path) -> Path:
        """One that goes through the line."""
        through = {"server": f"https://127.0.0.1:{self.port}", "tls-server-name": self._host}
        config = self._config | {"clusters": [{**self._config["clusters"][0], "cluster": self._cluster | through}]}
        file = folder / "through-the-line.kubeconfig"
        file.write_text(yaml.safe_dump(config))
        return file

    def mend(self) -> None:
        """Let connections through."""
        self._listener = socket.create_server(("127.0.0.1", self.port), reuse_port=False)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Break off all connections, and refuse others."""
        listener, self._listener = self._listener, None
        for each in [*([listener] if listener else []), *self._open]:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                here, _ = listener.accept()
                there = socket.create_connection((self._host, self._port))
                self._open += [here, there]
                for source, target in ((here, there), (there, here)):
                    threading.Thread(target=_carry, args=(source, target), daemon=True).start()


@contextmanager
def carried(kubeconfig: Path) -> Iterator[Line]:
    """A line that is whole, as long as the block lasts."""
    line = Line(kubeconfig)
    line.mend()
    try:
        yield line
    finally:
        line.cut()


def _carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
