"""pip-audit asks a server of ours that speaks as much of OSV's protocol as it needs. OSV's own was never asked here."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.supply_chain.audit import asked, audit, outlived, unexplained

KNOWN = {
    "id": "GHSA-of-idna",
    "aliases": ["CVE-of-idna"],
    "summary": "an old hole",
    "affected": [
        {
            "package": {"name": "idna", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.7"}]}],
        }
    ],
}


class Osv(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(405)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if asked["package"]["name"] == "breaks":
            return self.send_error(400)
        holed = (asked["package"], asked["version"]) == ({"name": "idna", "ecosystem": "PyPI"}, "3.6")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"vulns": [KNOWN]} if holed else {}).encode())
        return None

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def osv() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Osv) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


def lock(folder: Path, *pins: str) -> Path:
    path = folder / "requirements.txt"
    path.write_text("".join(f"{pin} --hash=sha256:{'0' * 64}\n" for pin in pins))
    return path


@pytest.fixture(scope="module")
def found(osv: str, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return asked([lock(tmp_path_factory.mktemp("holed"), "idna==3.6", "click==8.1.7")], osv)


def test_a_known_vulnerability_is_named_and_where_it_is_mended(found: list[dict[str, Any]]) -> None:
    assert {package["name"] for package in found} == {"idna", "click"}
    assert list(unexplained(found, {})) == [
        "idna 3.6: CVE-of-idna, GHSA-of-idna, mended in 3.7; upgrade it (make lock), or explain it in pyproject.toml"
    ]


@pytest.mark.parametrize("name", ["GHSA-of-idna", "CVE-of-idna"])
def test_an_explanation_goes_by_each_of_its_names(found: list[dict[str, Any]], name: str) -> None:
    explained = {name: "we encode no names"}
    assert [*unexplained(found, explained), *outlived(found, explained)] == []


def test_an_explanation_of_nothing_has_to_go(found: list[dict[str, Any]]) -> None:
    assert list(outlived(found, {"GHSA-gone": "we encode no names"})) == [
        "GHSA-gone: explained in pyproject.toml, and not found any more; delete it there"
    ]


def test_what_is_found_fails_the_audit(osv: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit([lock(tmp_path, "idna==3.6")], {}, osv) == 1
    assert capsys.readouterr().err.startswith("audit: idna 3.6: CVE-of-idna")


def test_a_lookup_that_breaks_off_is_no_clean_bill(osv: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="pip-audit ended with 1"):
        audit([lock(tmp_path, "idna==3.7", "breaks==1.0")], {}, osv)


def test_without_a_network_it_fails_nothing_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit([lock(tmp_path, "idna==3.6")], {}, "http://127.0.0.1:9/v1/query") == 0
    assert "NOT LOOKED UP" in capsys.readouterr().err
