"""A pod of a PyTorchJob becomes a node of one Ray cluster, and ends with the exit code of the run.

    Master   Ray head, `berth run` beside it, and the exchange that the other pods listen to
    Worker   Ray node; joins again, without a new pod, whenever the Master's pod was replaced

The training operator says by environment variables who a pod is. They are taken out before Ray starts, since torch in
a worker would read them as its own. With `restartPolicy: ExitCode` the operator takes a code below 128 as final and
starts the pod again at any other, so only what another try cannot mend ends with a low one.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from trainer.config.load import load
from trainer.config.schema import Run
from trainer.errors import BerthError, DeadlineExceeded, InputError, Stalled
from trainer.runtime.pod_link import Exchange, Link, LinkLost, linked
from trainer.runtime.ray_node import HEAD_PORT, RayNode

FINAL = frozenset({0, BerthError.exit_code, InputError.exit_code, DeadlineExceeded.exit_code})
"""Exit codes of a run that another try would not change. Python's own, 1, is a crash, which it may."""

SAVE_SECONDS = 45.0
"""Between SIGTERM and the end, for the training to save; `terminationGracePeriodSeconds` in the chart is longer."""

REPORT_SECONDS = 5.0
"""A kubelet reports in less that a pod has ended. The operator deletes what still runs when the job's outcome is known:
after a success the Master ends that much later than the Workers, so that all are seen to succeed; after a failure the
Workers end later than the Master, whose log has the reason.
"""

_INJECTED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "PET_")


@dataclass(frozen=True, slots=True)
class Pod:
    """Who a pod is, as the training operator and the chart tell it."""

    rank: int
    """0 is the Master."""
    master_address: str
    master_port: int
    ip: str
    cpus: int
    token: bytes

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Pod":
        """Read the environment.

        Raises:
            InputError: a variable is missing or wrong.
        """
        return cls(
            _number(environment, "RANK"),
            _text(environment, "MASTER_ADDR"),
            _number(environment, "MASTER_PORT"),
            environment.get("POD_IP") or socket.gethostbyname(socket.gethostname()),
            _number(environment, "POD_CPUS") if "POD_CPUS" in environment else len(os.sched_getaffinity(0)),
            _token(environment),
        )


def serve(config: str) -> int:
    """Be this pod until the run ends; the exit code.

    Raises:
        InputError: the run's configuration or the pod's environment is wrong.
    """
    run = load(config)
    pod = Pod.of(os.environ)
    for name in [name for name in os.environ if name.startswith(_INJECTED)]:
        del os.environ[name]
    terminated = _terminated()
    return _master(pod, config, terminated) if pod.rank == 0 else _worker(pod, run, terminated)


def _master(pod: Pod, config: str, terminated: threading.Event) -> int:
    exchange = Exchange(pod.master_port, pod.token)
    head = RayNode.head(pod.ip)
    try:
        if not _listening(pod.ip, head, terminated):
            return _again("the Ray head did not start", head)
        driver = subprocess.Popen(
            [sys.executable, "-m", "trainer", "run", config],
            env=os.environ | {"RAY_ADDRESS": f"{pod.ip}:{HEAD_PORT}"},
        )
        code = _ended(driver, head, terminated)
        if code in FINAL:
            exchange.announce(code, seconds=30)
            time.sleep(REPORT_SECONDS if code == 0 else 0)
        return code
    finally:
        exchange.close()
        head.kill()


def _listening(ip: str, head: RayNode, terminated: threading.Event, seconds: float = 120) -> bool:
    deadline = time.monotonic() + seconds
    while head.running and time.monotonic() < deadline and not terminated.wait(0.2):
        try:
            socket.create_connection((ip, HEAD_PORT), timeout=1).close()
        except OSError:
            continue
        return True
    return False


def _ended(driver: "subprocess.Popen[bytes]", head: RayNode, terminated: threading.Event) -> int:
    """Wait for the driver, which saves and ends when the pod is told to; the pod's exit code."""
    while driver.poll() is None and head.running and not terminated.wait(0.2):
        pass
    if not head.running:
        driver.kill()
        return _again("the Ray head has ended", head)
    if driver.poll() is None:
        driver.terminate()
        with suppress(subprocess.TimeoutExpired):
            driver.wait(SAVE_SECONDS)
        driver.kill()
        driver.wait()
    code = driver.returncode
    return code if code in FINAL or code >= 128 else _again(f"the driver crashed with exit code {code}")


def _worker(pod: Pod, run: Run, terminated: threading.Event) -> int:
    gpus = None if run.scaling.gpus_per_worker else 0
    told = False
    while not terminated.is_set():
        try:
            with linked(pod.master_address, pod.master_port, pod.token) as link:
                _say(f"joins {pod.master_address}")
                told = False
                outcome = _member(pod, gpus, link, terminated)
            if outcome is not None:
                terminated.wait(0 if outcome == 0 else 2 * REPORT_SECONDS)
                return outcome
        except LinkLost as lost:
            if not told:
                _say(f"waits for the Master's pod: {lost}")
                told = True
        terminated.wait(1)
    return 128 + signal.SIGTERM


def _member(pod: Pod, gpus: int | None, link: Link, terminated: threading.Event) -> int | None:
    """Be a node of the Ray cluster; the exit code of the run, or None if the node has ended before it.

    Raises:
        LinkLost: the Master's pod is gone, and this node with it.
    """
    node = RayNode.joining(link.address, pod.ip, pod.cpus, gpus)
    try:
        while node.running:
            outcome = link.outcome(0.5)
            if outcome is not None:
                _say(f"the run has ended with exit code {outcome}")
                return outcome
            if terminated.is_set():
                _say("leaves: the training saves and goes on without this pod")
                node.drain(SAVE_SECONDS)
                return None
        _say(f"the Ray node has ended:\n{node.last_words()}")
        return None
    finally:
        node.kill()


def _again(problem: str, node: RayNode | None = None) -> int:
    _say(f"{problem}; the pod is started again" + (f"\n{node.last_words()}" if node else ""))
    return Stalled.exit_code


def _terminated() -> threading.Event:
    event = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        event.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    return event


def _text(environment: Mapping[str, str], name: str) -> str:
    if not environment.get(name):
        raise InputError(name, "not set", "let charts/berth start this pod, or a PyTorchJob like the one it makes")
    return environment[name]


def _number(environment: Mapping[str, str], name: str) -> int:
    text = _text(environment, name)
    if not text.isdecimal():
        raise InputError(name, f"{text!r} is no number", "let the training operator set it")
    return int(text)


def _token(environment: Mapping[str, str]) -> bytes:
    path = Path(_text(environment, "RAY_AUTH_TOKEN_PATH"))
    try:
        token = path.read_bytes().strip()
    except OSError as error:
        raise InputError("RAY_AUTH_TOKEN_PATH", f"{path} cannot be read", "mount the Secret with the token") from error
    if not token:
        raise InputError("RAY_AUTH_TOKEN_PATH", f"{path} is empty", "put a token into the Secret")
    return token


def _say(text: str) -> None:
    print(f"berth pod: {text}", flush=True)  # noqa: T201 - the pod's log
