"""A group of real processes that exchange over gloo, each of which takes itself for a node."""

import ctypes
import json
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.distributed as dist

from tests.processes import forked, meeting_place
from trainer.config.schema import Run
from trainer.engine.folder import RunFolder
from trainer.engine.parallel import Workers
from trainer.errors import BerthError
from trainer.runtime.preflight.check import Preflight, Unfit
from trainer.runtime.preflight.findings import Node
from trainer.runtime.preflight.network import Trial

RUN = Run.model_validate(
    {"name": "small", "vocab": {"path": "vocab.txt"}, "squad": [{"name": "squad", "train": ["a"], "dev": "b"}]}
)


@dataclass(frozen=True, slots=True)
class Place:
    """What a worker is given: its node, the run's folder as that node sees it, and its part in the test of the
    network. With a `line` it is in that network namespace, else on this machine's own network.
    """

    node: str
    folder: Path
    trial: type[Trial] = Trial
    line: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a worker: a line, or an error; and what it logged."""

    line: str | None = None
    error: str | None = None
    log: str = ""
    seconds: float = 0.0


def new_folder(folder: Path) -> Path:
    """As the driver leaves it before a group starts."""
    folder.mkdir()
    (folder / "run.yaml").touch()
    return folder


def check(
    tmp_path: Path,
    places: Sequence[Place],
    seconds: float = 60,
    frozen: Sequence[int] = (),
    address: str = "127.0.0.1",
) -> list[Outcome]:
    """Let a worker at each place check the group; who is frozen is not waited for, and has an empty outcome.

    Args:
        address: of the first worker.
    """
    meeting = tmp_path / f"meeting-{time.monotonic_ns()}"
    meeting.mkdir()
    store = meeting_place(address)
    arguments = [(rank, meeting, store, place, len(places), seconds) for rank, place in enumerate(places)]
    processes = [forked.Process(target=_work, args=given) for given in arguments]
    for process in processes:
        process.start()
    try:
        for rank, process in enumerate(processes):
            if rank not in frozen:
                process.join(100)
                assert process.exitcode == 0, f"worker {rank}: {process.exitcode}"
    finally:
        for process in processes:
            process.kill()
    return [_outcome(meeting / f"{rank}.json") for rank in range(len(places))]


def _enter(line: str) -> None:
    with Path("/run/netns", line).open() as space:
        assert ctypes.CDLL(None, use_errno=True).setns(space.fileno(), 0) == 0, os.strerror(ctypes.get_errno())
    os.environ["GLOO_SOCKET_IFNAME"] = "eth0"


def _outcome(file: Path) -> Outcome:
    return Outcome(**json.loads(file.read_text())) if file.exists() else Outcome()


def _work(rank: int, meeting: Path, store: str, place: Place, world_size: int, seconds: float) -> None:
    log = meeting / f"{rank}.log"
    logging.getLogger("trainer").addHandler(logging.FileHandler(log))
    torch.set_num_threads(1)
    if place.line is not None:
        _enter(place.line)
    if world_size > 1:
        dist.init_process_group("gloo", init_method=store, rank=rank, world_size=world_size)
    folder = RunFolder(str(place.folder), "/")
    here = Node(id=f"id-{place.node}", name=place.node, rank=rank)
    start = time.monotonic()
    line = error = None
    try:
        workers = Workers(torch.device("cpu"))
        line = Preflight(workers, RUN, folder, here, seconds=seconds, trial=place.trial).check()
    except (BerthError, Unfit) as failure:
        error = f"{type(failure).__name__}: {failure}"
    outcome = Outcome(line, error, log.read_text(), time.monotonic() - start)
    (meeting / f"{rank}.json").write_text(json.dumps(asdict(outcome)))
