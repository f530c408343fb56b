"""A node whose line is really slow: network namespaces on one bridge, one of them behind tc's token bucket."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime.preflight.group import Place, check, new_folder

ADDRESS = "10.211.7.1"
SLOW = "80mbit"  # 10 MB/s


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """Three network namespaces that reach one another; the third sends slowly."""
    bridge = f"berth{os.getpid() % 10**6}"
    names = [f"{bridge}-{number}" for number in range(3)]
    try:
        must("ip", "link", "add", bridge, "type", "bridge")
        must("ip", "link", "set", bridge, "up")
        for number, name in enumerate(names):
            must("ip", "netns", "add", name)
            must("ip", "link", "add", f"{bridge}{number}", "type", "veth", "peer", "name", "eth0", "netns", name)
            must("ip", "link", "set", f"{bridge}{number}", "master", bridge, "up")
            must("ip", "-n", name, "address", "add", f"10.211.7.{number + 1}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                must("ip", "-n", name, "link", "set", device, "up")
        limit = ("tbf", "rate", SLOW, "burst", "64kb", "latency", "400ms")
        must("tc", "-n", names[2], "qdisc", "add", "dev", "eth0", "root", *limit)
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL, check=False)
        subprocess.run(["ip", "link", "delete", bridge], stderr=subprocess.DEVNULL, check=False)


def must(*command: str) -> None:
    try:
        subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", None) or str(error)
        pytest.skip(f"needs networks of its own, and making one is not allowed here: {reason.strip()}")


@pytest.mark.slow
def test_a_node_with_a_slow_line_is_named_at_the_speed_of_the_line(tmp_path: Path, lines: list[str]) -> None:
    folder = new_folder(tmp_path / "run")
    places = [Place(node, folder, line=line) for node, line in zip("abc", lines, strict=True)]
    outcomes = check(tmp_path, places, address=ADDRESS)
    assert [outcome.error for outcome in outcomes] == [None] * 3
    print(outcomes[0].line, outcomes[0].log, sep="\n")
    found = re.search(r"node c is slow: ([\d.,]+) MB/s at best", outcomes[0].log)
    assert found, outcomes[0].log
    assert float(found[1]) == pytest.approx(10, rel=0.3)
