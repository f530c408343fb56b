"""What the machine that a command runs on has to train with."""

import os
import socket

import torch

from trainer.config.operation import Scaling


def all_of_it() -> Scaling:
    """One worker with all cores, and with a GPU if there is one."""
    return Scaling(
        num_workers=1,
        cpus_per_worker=len(os.sched_getaffinity(0)),
        gpus_per_worker=1 if torch.cuda.is_available() else 0,
    )


def facts() -> dict[str, str | int | None]:
    """What is told of the first worker's node beside the curves: its name, its cores, its GPUs."""
    gpus = torch.cuda.device_count()
    return {
        "host": socket.gethostname(),
        "cores": len(os.sched_getaffinity(0)),
        "gpus": gpus,
        "gpu": torch.cuda.get_device_name() if gpus else None,
    }
