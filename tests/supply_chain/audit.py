"""Ask OSV for known vulnerabilities of all that is pinned: `make audit`, which is also the end of `make check`.

One that is found fails it until it is mended by `make lock`, or explained in pyproject.toml:

    [tool.berth.vulnerabilities]
    "GHSA-xxxx-xxxx-xxxx" = "why it does no harm here"

Without a network nothing can be known: it says so where nobody overlooks it, and fails nothing.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).parents[2]
LOCKS = [ROOT / f"requirements-{name}.txt" for name in ("dev", "sbom", "uv")]
"""The first holds requirements.txt."""
OSV = "https://api.osv.dev/v1/query"
UNKNOWN = """
  ############################################################################
  #  NOT LOOKED UP: whether what is pinned has known vulnerabilities.
  #  {host} cannot be reached from here.
  #  Run `make audit` where it can.
  ############################################################################
"""


def main() -> int:
    explained = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"].get("berth", {}).get("vulnerabilities", {})
    return audit(LOCKS, explained, OSV)


def audit(locks: Sequence[Path], explained: Mapping[str, str], osv: str) -> int:
    """The exit code: 1 where something is wrong."""
    try:
        requests.get(osv, timeout=10)
    except requests.RequestException:
        print(UNKNOWN.format(host=osv), file=sys.stderr)
        return 0
    packages = asked(locks, osv)
    wrong = [*unexplained(packages, explained), *outlived(packages, explained)]
    for line in wrong:
        print(f"audit: {line}", file=sys.stderr)
    print(f"audit: {len(packages)} packages, {len(wrong)} findings, {len(explained)} vulnerabilities explained")
    return 1 if wrong else 0


def asked(locks: Sequence[Path], osv: str) -> list[dict[str, Any]]:
    """What pip-audit reports of each package; it raises where one could not be looked up."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip_audit", "--strict", "--disable-pip", "--progress-spinner=off"]
        command += ["--vulnerability-service=osv", f"--osv-url={osv}", "--format=json", f"--output={report}"]
        command += [f"--requirement={lock}" for lock in locks]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if not report.exists():
            raise SystemExit(f"audit: pip-audit ended with {ended.returncode}: {ended.stderr.strip().splitlines()[-1]}")
        return json.loads(report.read_text())["dependencies"]


def unexplained(packages: Sequence[dict[str, Any]], explained: Mapping[str, str]) -> Iterator[str]:
    for package in packages:
        for found in package["vulns"]:
            if names(found).isdisjoint(explained):
                mended = ", ".join(found["fix_versions"]) or "no version"
                yield (
                    f"{package['name']} {package['version']}: {', '.join(sorted(names(found)))}, mended in {mended}; "
                    "upgrade it (make lock), or explain it in pyproject.toml"
                )


def outlived(packages: Sequence[dict[str, Any]], explained: Mapping[str, str]) -> Iterator[str]:
    known = set[str]().union(*(names(found) for package in packages for found in package["vulns"]))
    for name in explained:
        if name not in known:
            yield f"{name}: explained in pyproject.toml, and not found any more; delete it there"


def names(found: dict[str, Any]) -> set[str]:
    return {found["id"], *found["aliases"]}


if __name__ == "__main__":
    sys.exit(main())
