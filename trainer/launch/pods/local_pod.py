"""One incarnation of a pod: a process in namespaces of its own, on a bridge that joins them.

When its first process is killed the kernel ends all others, as with a container; and that one ends with the thread that
has started the pod.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

_BRIDGE = "pods"
_NAMESPACES = ("--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--mount-proc", "--kill-child")
HOST = "10.97.0.1"
"""Of the bridge."""


class Pod:
    """A pod that has started.

    Args:
        name: `my-run-worker-0`.
        number: of no pod before.
        hosts: the file that is its /etc/hosts.
        script: what its first process is.
        hear: is told each line that it prints.
    """

    def __init__(self, name: str, number: int, hosts: Path, script: str, hear: Callable[[str], None]) -> None:
        self.name = name
        self.ip = address(number)
        self.link = f"pod{number}"
        self._hosts = hosts
        self._deadline: float | None = None
        hosts.touch()
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", *_NAMESPACES, "bash", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the command, which then ends its pods as an operator does
        )
        self._plug_in()
        self._ears = threading.Thread(target=self._listen, args=[hear], daemon=True)
        self._ears.start()

    @property
    def pid(self) -> int:
        """To be killed; all processes of the pod end with it. It is `unshare`, which util-linux 2.38 lets exit with 1
        when its child was killed, and not by the same signal as it means to.
        """
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def ended(self) -> int | None:
        """The exit code as the kubelet tells it, 137 after SIGKILL; None while it runs, which it does not for long when
        its time to end is over.
        """
        code = self._process.poll()
        if code is None:
            if self._deadline is not None and time.monotonic() > self._deadline:
                self.kill()
            return None
        self._ears.join(5)  # then the sockets of its processes are closed, and others told of it
        with suppress(subprocess.CalledProcessError):
            ip("link", "delete", self.link)
        return 128 - code if code < 0 else code

    def know(self, addresses: Mapping[str, str]) -> None:
        """What the pod can look up, beside itself."""
        known = {"localhost": "127.0.0.1", **addresses, self.name: self.ip}
        new = self._hosts.with_suffix(".new")
        new.write_text("".join(f"{address} {name}\n" for name, address in known.items()))
        new.replace(self._hosts)

    def terminate(self, seconds: float) -> None:
        """What `kubectl delete pod` does: it may save and end, and is killed when it takes longer."""
        if self._deadline is None:
            self._deadline = time.monotonic() + seconds
            with suppress(ProcessLookupError):
                os.kill(self._first, signal.SIGTERM)

    def kill(self) -> None:
        """All of its processes."""
        self._process.kill()

    @property
    def _first(self) -> int:
        """The process that stands for the container's.

        Raises:
            ProcessLookupError: it is no more.
        """
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        try:
            return int(children.read_text().split()[0])
        except (OSError, IndexError):
            raise ProcessLookupError(children) from None

    def _plug_in(self) -> None:
        own = Path(f"/proc/{self._process.pid}/ns/net")
        with suppress(OSError, subprocess.CalledProcessError):  # it has ended at once
            while own.readlink() == Path("/proc/self/ns/net").readlink():
                time.sleep(0.01)
            ip("link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", str(self._process.pid))
            ip("link", "set", self.link, "master", _BRIDGE, "up")

    def _listen(self, hear: Callable[[str], None]) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            hear(line.decode(errors="replace").rstrip("\n"))


def address(number: int) -> str:
    """Of the pod of a number."""
    return f"10.97.{number // 250}.{number % 250 + 2}"


def bridge() -> None:
    """Make what joins the pods."""
    ip("link", "set", "lo", "up")
    ip("link", "add", _BRIDGE, "type", "bridge")
    ip("address", "add", f"{HOST}/16", "dev", _BRIDGE)
    ip("link", "set", _BRIDGE, "up")


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
