"""What the machine that a command runs on has to train with."""

import os

import torch

from trainer.config.schema import Scaling


def all_of_it() -> Scaling:
    """One worker with all cores, and with a GPU if there is one."""
    return Scaling(
        num_workers=1,
        cpus_per_worker=len(os.sched_getaffinity(0)),
        gpus_per_worker=1 if torch.cuda.is_available() else 0,
    )
