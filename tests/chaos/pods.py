"""A PyTorchJob without Kubernetes: each pod is `berth pod` in namespaces of its own, and an operator restarts it.

A pod has its own network (one bridge joins them), processes, host name, /etc/hosts, /tmp and /dev/shm. Its first
process stands in for tini; when that is killed the kernel ends all others, as with a container. Whoever starts this is
the first process of a namespace too (see __main__), so nothing outlives it: no process, no bridge, no mount.
"""

import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

NETWORK = "10.97.0"
HOST = f"{NETWORK}.1"
"""The bridge: what runs beside the pods, such as an S3 server, is reached here."""
INSIDE = "/mnt"
"""Where a pod sees the folder."""
PACKAGE = Path(__file__).parents[2] / "trainer"
"""Of which the pods run a copy, as of an image: an edit meanwhile changes nothing."""
MASTER = "chaos-master-0"
GRACE_SECONDS = 60
"""`terminationGracePeriodSeconds` of the chart."""

_POD = """
set -e
mount --make-rprivate /
mount --bind {folder} {inside}
mount --bind {inside}/pods/{name}.hosts /etc/hosts
mount -t tmpfs tmpfs /dev/shm
mkdir -p {inside}/venv
mount --bind {venv} {inside}/venv
mount -t tmpfs tmpfs /tmp
mkdir -p {venv} # the checkout may lie below /tmp
mount --bind {inside}/venv {venv}
hostname {name}
until ip link show eth0 > /dev/null 2>&1; do sleep 0.05; done
ip link set lo up
ip address add {ip}/24 dev eth0
ip link set eth0 up
cd /tmp
trap 'kill -TERM $child' TERM
env {environment} {python} -m trainer pod {inside}/run.yaml &
child=$!
set +e
while true; do
  wait $child
  code=$?
  kill -0 $child 2> /dev/null || exit $code
done
"""


class Pod:
    """One incarnation of a pod, with an address that no other had."""

    def __init__(self, folder: Path, name: str, number: int, environment: Mapping[str, str]) -> None:
        self.name = name
        self.ip = f"{NETWORK}.{number}"
        self._link = f"pod{number}"
        self._hosts = folder / "pods" / f"{name}.hosts"
        self._hosts.touch()
        script = _POD.format(
            folder=shlex.quote(str(folder)),
            inside=INSIDE,
            name=name,
            ip=self.ip,
            environment=shlex.join(f"{key}={value}" for key, value in {"POD_IP": self.ip, **environment}.items()),
            venv=shlex.quote(sys.prefix),
            python=shlex.quote(sys.executable),
        )
        namespaces = ["--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--mount-proc", "--kill-child"]
        with (folder / "logs" / f"{name}.{number}.log").open("w") as log:
            self._process = subprocess.Popen(
                ["unshare", *namespaces, "bash", "-c", script],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._plug_in()

    def _plug_in(self) -> None:
        own = Path(f"/proc/{self._process.pid}/ns/net")
        while own.readlink() == Path("/proc/self/ns/net").readlink():
            time.sleep(0.01)
        ip("link", "add", self._link, "type", "veth", "peer", "name", "eth0", "netns", str(self._process.pid))
        ip("link", "set", self._link, "master", "pods", "up")

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait(self) -> int:
        """The exit code as the kubelet tells it: 137 after SIGKILL."""
        code = self._process.wait()
        with suppress(subprocess.CalledProcessError):
            ip("link", "delete", self._link)
        return 128 - code if code < 0 else code

    def know(self, addresses: Mapping[str, str]) -> None:
        """What the pod can look up, beside itself."""
        known = {"localhost": "127.0.0.1", **addresses, self.name: self.ip}
        with self._hosts.open("r+") as hosts:  # in place: it is mounted
            hosts.write("".join(f"{address} {name}\n" for name, address in known.items()))
            hosts.truncate()

    def plug(self, *, connected: bool) -> None:
        """The cable of its network."""
        with suppress(subprocess.CalledProcessError):  # the pod has ended
            ip("link", "set", self._link, "up" if connected else "down")

    def processes(self, text: str = "") -> list[psutil.Process]:
        """Those with a text in their command line, the pod's first process first."""
        found: list[psutil.Process] = []
        with suppress(psutil.Error):
            for process in psutil.Process(self._process.pid).children(recursive=True):
                with suppress(psutil.Error):
                    if text in " ".join(process.cmdline()):
                        found.append(process)
        return found

    def terminate(self) -> None:
        """What `kubectl delete pod` does."""
        for process in self.processes()[:1]:
            process.send_signal(signal.SIGTERM)
        late = threading.Timer(GRACE_SECONDS, self.kill)
        late.daemon = True
        late.start()

    def kill(self) -> None:
        """All of its processes; their sockets are closed before the network is gone."""
        for process in self.processes()[:1]:
            with suppress(psutil.NoSuchProcess):
                process.kill()


class Job:
    """A Master, some Workers, and an operator: `restartPolicy: ExitCode` for each, over when the Master says so.

    Args:
        folder: what all pods share, `run.yaml` and the storage in it.
        workers: pods.
        environment: of every pod.
    """

    def __init__(self, folder: Path, workers: int, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.workers = workers
        self.outcome: int | None = None
        self.resolving = True
        """Whether the Master's name is known."""
        self._environment = {
            "WORLD_SIZE": str(workers + 1),
            "MASTER_ADDR": MASTER,
            "MASTER_PORT": "23456",
            "PET_NNODES": str(workers + 1),
            "HOME": "/tmp",
            "PYTHONPATH": f"{INSIDE}/image",
            "POD_CPUS": "1",
            "OMP_NUM_THREADS": "1",
            "PYTHONUNBUFFERED": "1",
            "RAY_memory_monitor_refresh_ms": "0",  # it would see the memory of the whole machine
            "RAY_TMPDIR": "/tmp/ray",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": f"{INSIDE}/token",
            "BERTH_CACHE": "/tmp/berth",
            **environment,
        }
        self._pods: dict[str, Pod] = {}
        self._away: dict[str, float] = {}
        self._numbers = iter(range(2, 255))
        self._lock = threading.RLock()
        for part in ("pods", "logs"):
            (folder / part).mkdir(exist_ok=True)
        shutil.copytree(PACKAGE, folder / "image" / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "token").write_text("a token that all pods share")
        _bridge()

    def start(self) -> None:
        self._keep(MASTER, 0)
        self.scale(self.workers)

    def scale(self, workers: int) -> None:
        """What `kubectl scale` does."""
        with self._lock:
            self.workers = workers
            for index in range(workers):
                if worker(index) not in self._pods:
                    self._keep(worker(index), index + 1)
            surplus = [pod for name, pod in self._pods.items() if name != MASTER and _index(name) >= workers]
        for pod in surplus:
            pod.terminate()

    @property
    def started(self) -> bool:
        return MASTER in self._pods

    @property
    def master(self) -> Pod:
        return self._pods[MASTER]

    def running_workers(self) -> list[Pod]:
        with self._lock:
            return [pod for name, pod in sorted(self._pods.items()) if name != MASTER and pod.running]

    def lose(self, pod: Pod, seconds: float) -> None:
        """The node's power fails: not a packet more, and another pod only after some time."""
        self._away[pod.name] = time.monotonic() + seconds
        pod.plug(connected=False)
        pod.kill()

    def resolve(self, *, known: bool) -> None:
        """Whether the name of the Master is known to the other pods."""
        with self._lock:
            self.resolving = known
            self._tell()

    def wait(self, seconds: float) -> int | None:
        """Wait so long for the outcome."""
        deadline = time.monotonic() + seconds
        while self.outcome is None and time.monotonic() < deadline:
            time.sleep(0.2)
        return self.outcome

    def end(self) -> None:
        """Take all of it away."""
        self.outcome = -1 if self.outcome is None else self.outcome
        with self._lock:
            pods = list(self._pods.values())
        for pod in pods:
            pod.kill()
            pod.wait()
        ip("link", "delete", "pods")

    def _tell(self) -> None:
        known = {MASTER: self.master.ip} if self.resolving else {}
        for pod in self._pods.values():
            pod.know(known)

    def _keep(self, name: str, rank: int) -> None:
        self._begin(name, rank)
        threading.Thread(target=self._kept, args=[name, rank], name=name, daemon=True).start()

    def _begin(self, name: str, rank: int) -> None:
        with self._lock:
            who = {"RANK": str(rank), "PET_NODE_RANK": str(rank)}
            self._pods[name] = Pod(self.folder, name, next(self._numbers), {**self._environment, **who})
            self._tell()

    def _kept(self, name: str, rank: int) -> None:
        """Start a pod again as often as its exit code wants it."""
        while True:
            code = self._pods[name].wait()
            if code < 128:
                if name == MASTER or code != 0:
                    self.outcome = code if self.outcome is None else self.outcome
                return
            time.sleep(max(self._away.get(name, 0) - time.monotonic(), 1))  # until the operator has seen it
            with self._lock:
                if self.outcome is not None:
                    return
                if name != MASTER and _index(name) >= self.workers:
                    del self._pods[name]
                    return
                self._begin(name, rank)


def worker(index: int) -> str:
    """The name of a Worker's pod."""
    return f"chaos-worker-{index}"


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def _index(name: str) -> int:
    return int(name.rpartition("-")[2])


def _bridge() -> None:
    ip("link", "set", "lo", "up")
    ip("link", "add", "pods", "type", "bridge")
    ip("address", "add", f"{HOST}/24", "dev", "pods")
    ip("link", "set", "pods", "up")
