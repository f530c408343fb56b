"""What the tests ask of a cluster, by the real kubectl; the `cluster` fixture says which one, in KUBECONFIG."""

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any


def run(*command: str, stdin: str | None = None, timeout: float = 120) -> str:
    """Runs a program and gives its output; a failure shows everything that it said."""
    result = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
    if result.returncode:
        said = f"{result.stdout}{result.stderr}".strip()
        raise AssertionError(f"{' '.join(command)} ended with {result.returncode}:\n{said}")
    return result.stdout


def kubectl(*arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
    return run("kubectl", *arguments, stdin=stdin, timeout=timeout)


def get(*arguments: str) -> Any:
    """`kubectl get` as parsed JSON: an object, or for a list its items."""
    answer = json.loads(kubectl("get", *arguments, "-o", "json"))
    return answer["items"] if answer["kind"] == "List" else answer


def apply(*objects: dict[str, Any], namespace: str) -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(listed))


def conditions(thing: dict[str, Any]) -> dict[str, bool]:
    """Which conditions hold: `{"Ready": True}`."""
    found = thing.get("status", {}).get("conditions", [])
    return {condition["type"]: condition["status"] == "True" for condition in found}


def describe(namespace: str) -> str:
    """What goes on in a namespace, for the message of a test that fails."""
    asked = [("get", "pytorchjob,pod", "-o", "wide"), ("get", "events", "--sort-by=.lastTimestamp")]
    asked += [("logs", "--all-containers", "--tail=40", "--prefix", name) for name in _names("pod", namespace)]
    told = [
        subprocess.run(["kubectl", "-n", namespace, *each], capture_output=True, text=True, check=False)
        for each in asked
    ]
    return "\n".join(f"{each.stdout}{each.stderr}".rstrip() for each in told)


def until(condition: Callable[[], Any], seconds: float, what: str, namespace: str | None = None) -> Any:
    """Waits until the condition gives something true, and gives that; a failure tells what goes on in the namespace."""
    deadline = time.monotonic() + seconds
    while True:
        if found := condition():
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}\n{describe(namespace) if namespace else ''}")
        time.sleep(0.5)


def _names(kind: str, namespace: str) -> list[str]:
    return kubectl("get", kind, "-n", namespace, "-o", "name").split()
