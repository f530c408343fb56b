"""A server that speaks S3, as a process of its own."""

import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
import s3fs

from tests.end_to_end.berth import until

BUCKET = "s3://bucket"


@contextmanager
def started(host: str) -> Generator[tuple["subprocess.Popen[bytes]", str]]:
    """On a free port of an address of this machine; the process and its endpoint."""
    with socket.create_server((host, 0)) as free:
        port = free.getsockname()[1]
    command = [Path(sys.executable).with_name("moto_server"), "-H", host, "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: socket.create_connection((host, port)).close() is None)
        yield server, f"http://{host}:{port}"
    finally:
        server.kill()  # it may be stopped
        server.wait()


@contextmanager
def serving() -> Generator["subprocess.Popen[bytes]"]:
    """With an empty BUCKET that this process and those it starts reach, as long as the block lasts."""
    with started("127.0.0.1") as (server, endpoint), pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_ENDPOINT_URL", endpoint)
        s3fs.S3FileSystem.clear_instance_cache()  # it keeps those of another server
        try:
            s3fs.S3FileSystem().makedirs("bucket", exist_ok=True)
            yield server
        finally:
            s3fs.S3FileSystem.clear_instance_cache()
