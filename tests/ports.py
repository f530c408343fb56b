"""Ports of this machine that nobody listens at."""

import socket
from contextlib import ExitStack


def free_ports(number: int) -> list[int]:
    """So many, each another."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)]
        return [each.getsockname()[1] for each in sockets]


def free_port() -> int:
    return free_ports(1)[0]
