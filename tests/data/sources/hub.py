"""A server that speaks what Hugging Face's client asks of a hub to list and read a data set's files."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "0" * 40


@contextmanager
def serving(folder: Path, dataset: str) -> Iterator[str]:
    """The address at which the files of a folder are those of `dataset`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path).rstrip("/")
            tree = f"/api/datasets/{dataset}/tree/main"
            files = f"/datasets/{dataset}/resolve/main/"
            if path in (f"/api/datasets/{dataset}", f"/api/datasets/{dataset}/revision/main"):
                self.answer_json({"id": dataset, "sha": COMMIT, "siblings": []})
            elif path.startswith(tree) and (folder / path.removeprefix(tree).lstrip("/")).is_dir():
                place = folder / path.removeprefix(tree).lstrip("/")
                found = place.rglob("*") if "recursive=True" in self.path else place.iterdir()
                self.answer_json([described(entry) for entry in sorted(found)])
            elif path.startswith(files) and (folder / path.removeprefix(files)).is_file():
                self.answer_range((folder / path.removeprefix(files)).read_bytes())
            else:
                self.answer(404, b"", {"X-Error-Code": "EntryNotFound"})

        def answer_json(self, value: Any) -> None:
            self.answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

        def answer_range(self, content: bytes) -> None:
            first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
            part = content[int(first) : int(last or len(content)) + 1]
            span = f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}"
            self.answer(206, part, {"Content-Range": span})

        def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    def described(entry: Path) -> dict[str, Any]:
        path = str(entry.relative_to(folder))
        if entry.is_dir():
            return {"type": "directory", "path": path, "oid": COMMIT, "size": 0}
        return {"type": "file", "path": path, "oid": COMMIT, "size": entry.stat().st_size}

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
