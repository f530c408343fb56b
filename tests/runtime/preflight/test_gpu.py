"""On real GPUs."""

import os
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from tests.processes import forked, meeting_place
from tests.runtime.preflight.group import RUN, new_folder
from trainer.engine.folder import RunFolder
from trainer.engine.parallel import Workers
from trainer.runtime.preflight.check import Preflight
from trainer.runtime.preflight.findings import Node
from trainer.runtime.preflight.node_facts import look, look_at_gpus

pytestmark = pytest.mark.gpu


def test_nvidia_smi_knows_the_gpus_that_torch_sees(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gpus = look_at_gpus()
    assert [gpu.name for gpu in gpus] == [torch.cuda.get_device_name(index) for index in range(len(gpus))]
    total = torch.cuda.get_device_properties(0).total_memory >> 20
    assert gpus[0].memory_mib == pytest.approx(total, rel=0.05)
    assert {"cuda", "nccl", "driver", "gpu"} <= look(str(tmp_path)).versions.keys()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert len(look_at_gpus()) == 1


def _work(rank: int, store: str, folder: Path) -> None:
    torch.cuda.set_device(rank)
    dist.init_process_group("nccl", init_method=store, rank=rank, world_size=2)
    workers, name = Workers(torch.device("cuda", rank)), "ab"[rank]
    line = Preflight(workers, RUN, RunFolder(str(folder), "/"), Node(id=name, name=name, rank=rank)).check()
    (folder / f"{rank}.txt").write_text(line or "")
    dist.destroy_process_group()


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_two_gpus_exchange_over_nccl(tmp_path: Path) -> None:
    folder, store = new_folder(tmp_path / "run"), meeting_place()
    processes = [forked.Process(target=_work, args=(rank, store, folder)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(200)
    line = (folder / "0.txt").read_text()
    print(line, os.environ.get("CUDA_VISIBLE_DEVICES"))
    assert line.startswith("preflight: 2 nodes, slowest pair ")
    assert (folder / "1.txt").read_text() == line
