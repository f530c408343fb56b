"""Every port of a Ray cluster as our pods start it, tried without a token and with a wrong one.

    gRPC   every method of every service that Ray's own protocol files name, and those of the object manager
    HTTP   what is known to run code where nothing asks for a token
    Ray    its own client, and a node that would join

Ray Client, the dashboard and its job server do not listen (tests/runtime/test_ray_node.py). Real pods are tried in
tests/cluster/test_security.py.
"""

import contextlib
import http.client
import importlib
import os
import pkgutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import psutil
import pytest
import ray.core.generated
import ray.util

from tests.ray_head import listening, ray_head
from trainer.runtime.pod_link import Exchange
from trainer.runtime.ray_node import HEAD_PORT, PORTS

pytestmark = pytest.mark.timeout(600)

TOKEN = "5e4dbb6a" * 8
WRONG = [None, "Bearer a-guess", f"Bearer {TOKEN[:-1]}", f"bearer{TOKEN}", "Bearer ", TOKEN[::-1]]
OPEN = {"/grpc.health.v1.Health/Check", "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"}
"""Tell that a port is alive, and the names of its services."""
DRIVER = """
import ray, sys, time
for _ in range(100):
    try:
        ray.init(address=sys.argv[1], log_to_driver=False)
        break
    except ConnectionError:  # the head listens before it knows of its own node
        time.sleep(1)

@ray.remote(num_cpus=0)
class Actor:
    def there(self):
        return "there"

actor = Actor.remote()
print(ray.get(actor.there.remote()), flush=True)
sys.stdin.read()
"""
GUESS = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "a-guess"}
ENTER = "import ray, sys; ray.init(address=sys.argv[1]); print('inside', ray.nodes())"


@pytest.fixture(scope="module")
def address() -> str:
    """Of this machine, at which a pod of it would be reached."""
    return ray.util.get_node_ip_address()


@pytest.fixture(scope="module")
def cluster(address: str) -> Iterator[psutil.Process]:
    """A head with a driver and an actor, which listen too."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)
        monkeypatch.setenv("RAY_AUTH_MODE", "token")
        monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
        with ray_head(monkeypatch, address) as head:
            command = [sys.executable, "-c", DRIVER, f"{address}:{HEAD_PORT}"]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as driver:
                assert driver.stdout is not None
                assert driver.stdout.readline() == "there\n"
                yield head
                driver.kill()


def methods() -> list[str]:
    """Of all services that Ray's protocol files name."""
    found = [f"/ray.rpc.ObjectManagerService/{name}" for name in ("Push", "Pull", "FreeObjects")]
    for module in pkgutil.iter_modules(ray.core.generated.__path__):
        if module.name.endswith("_pb2"):
            file = importlib.import_module(f"ray.core.generated.{module.name}").DESCRIPTOR
            for service in file.services_by_name.values():
                found += [f"/{service.full_name}/{method.name}" for method in service.methods]
    return [*found, *OPEN]


def answers(port: str, authorization: str | None) -> dict[str, set[str]]:
    """What a port says to each method: `OK`, `UNAUTHENTICATED` ... -> the methods."""
    said: dict[str, set[str]] = {}
    metadata = [] if authorization is None else [("authorization", authorization)]
    with grpc.insecure_channel(port) as channel:
        for method in methods():
            try:
                channel.unary_unary(method)(b"", timeout=30, metadata=metadata)
                code = "OK"
            except grpc.RpcError as error:
                code = error.code().name  # pyright: ignore[reportAttributeAccessIssue]
            said.setdefault(code, set()).add(method)
    return said


def ports_of(cluster: psutil.Process) -> dict[int, str]:
    ports = listening(cluster)
    assert {HEAD_PORT, PORTS["node-manager-port"], PORTS["object-manager-port"]} <= ports.keys()
    assert any(PORTS["min-worker-port"] <= port <= PORTS["max-worker-port"] for port in ports), "no worker listens"
    return ports


@pytest.mark.parametrize("authorization", WRONG, ids=["none", "guess", "short", "joined", "empty", "turned"])
def test_no_method_of_any_port_answers_without_the_token(
    cluster: psutil.Process, address: str, authorization: str | None
) -> None:
    refused: set[str] = set()
    for port in ports_of(cluster).keys() - {PORTS["runtime-env-agent-port"]}:  # which speaks HTTP
        said = answers(f"{address}:{port}", authorization)
        assert said.get("OK", set()) <= OPEN, port
        assert said.keys() <= {"OK", "UNAUTHENTICATED", "UNIMPLEMENTED"}, port
        assert said["UNAUTHENTICATED"], f"nothing was tried at {port}"
        refused |= said["UNAUTHENTICATED"]
    for method in ("CoreWorkerService/PushTask", "JobInfoGcsService/AddJob", "NodeManagerService/RequestWorkerLease"):
        assert f"/ray.rpc.{method}" in refused


def test_the_token_opens_what_is_closed_without(cluster: psutil.Process, address: str) -> None:
    with grpc.insecure_channel(f"{address}:{HEAD_PORT}") as channel:
        ask = channel.unary_unary("/ray.rpc.JobInfoGcsService/GetAllJobInfo")
        assert ask(b"", timeout=30, metadata=[("authorization", f"Bearer {TOKEN}")])


@pytest.mark.parametrize("header", ["Authorization", "X-Ray-Authorization", "Cookie"])
@pytest.mark.parametrize("value", [None, "Bearer a-guess", "Bearer ", "ray-authentication-token=a-guess"])
def test_the_agent_that_would_install_packages_refuses_too(
    cluster: psutil.Process, address: str, header: str, value: str | None
) -> None:
    where = f"{address}:{PORTS['runtime-env-agent-port']}"
    for path in ("/get_or_create_runtime_env", "/delete_runtime_env_if_possible", "/get_runtime_envs_info"):
        request = http.client.HTTPConnection(where, timeout=30)
        request.request("POST", path, b"", {header: value} if value else {})
        assert request.getresponse().status in (401, 403)
        request.close()


@pytest.mark.slow
@pytest.mark.parametrize("environment", [{"RAY_AUTH_MODE": "disabled"}, GUESS], ids=["no token", "a wrong token"])
def test_neither_a_driver_nor_a_node_gets_in(
    cluster: psutil.Process, address: str, environment: dict[str, str], tmp_path: Path
) -> None:
    head = f"{address}:{HEAD_PORT}"
    own = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    for command in (["-c", ENTER, head], ["-m", "ray.scripts.scripts", "start", f"--address={head}", "--num-cpus=1"]):
        tried = subprocess.run(
            [sys.executable, *command],
            env=own | environment | {"HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        assert tried.returncode != 0
        assert "inside" not in tried.stdout
        assert "oken" in tried.stdout + tried.stderr, tried.stderr


def test_the_line_between_pods_ends_for_whoever_cannot_answer() -> None:
    """A wrong token is tried in tests/runtime/test_pod_link.py."""
    exchange = Exchange(0, b"secret")
    messages = [b"", b"\xff" * 64, struct.pack("!i", 2**31 - 1), struct.pack("!i", -1) + struct.pack("!Q", 2**63)]
    for message in messages:
        with socket.create_connection(("127.0.0.1", exchange.port), timeout=30) as end:
            end.sendall(message)
            with contextlib.suppress(OSError):  # it has hung up already
                end.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionResetError):
                while end.recv(4096):
                    pass  # the challenge, until it hangs up
    exchange.announce(0, seconds=0)
    exchange.close()
