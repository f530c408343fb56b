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
def serving() -> Generator["subprocess.Popen[bytes]"]:
    """With an empty BUCKET that this process and those it starts reach, as long as the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [Path(sys.executable).with_name("moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ACCESS_KEY_ID", "test")
            patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
            patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
            s3fs.S3FileSystem.clear_instance_cache()  # it keeps those of another server
            until(lambda: socket.create_connection(("127.0.0.1", port)).close() is None)
            s3fs.S3FileSystem().makedirs("bucket", exist_ok=True)
            yield server
    finally:
        s3fs.S3FileSystem.clear_instance_cache()
        server.kill()
        server.wait()
