"""The peer's driver, on its head: elastic training as Ray Train's guides show it, with all of Ray's defaults.

Model, data and batches are those of the run that it stands beside; nothing of trainer.runtime runs, nor our loop.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

import pyarrow.fs
import ray
import ray.train
import torch
from ray.train import Checkpoint, FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer, prepare_model

from trainer.config.load import load
from trainer.engine.folder import RunFolder
from trainer.optim import optimizers
from trainer.tasks.pretrain import PretrainTask


def train(config: dict[str, Any]) -> None:
    run = load(config["run"])
    stage = run.pretrain[0]
    task = PretrainTask(run, stage, RunFolder.of(run))
    optimizer = optimizers.build(stage.optimizer, task.model)
    step = 0
    if checkpoint := ray.train.get_checkpoint():
        with checkpoint.as_directory() as folder:
            saved = torch.load(Path(folder, "state.pt"), weights_only=True)
        task.model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        step = saved["step"]
    model = prepare_model(task.model)
    rank, workers = ray.train.get_context().get_world_rank(), ray.train.get_context().get_world_size()
    while step < task.steps:
        for batch in task.micro_batches(step, rank, workers):
            losses = task.losses(model, batch.inputs).losses
            (losses / torch.tensor(batch.counts)).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        step += 1
        if rank == 0:
            print(f"step {step} on {workers} workers", flush=True)
        if step % run.checkpoint.every == 0:
            with tempfile.TemporaryDirectory() as folder:
                if rank == 0:
                    state = {"model": task.model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
                    torch.save(state, Path(folder, "state.pt"))
                ray.train.report({"step": step}, Checkpoint.from_directory(folder) if rank == 0 else None)


if __name__ == "__main__":
    ray.init(address="auto")
    files = pyarrow.fs.S3FileSystem(
        endpoint_override=os.environ["AWS_ENDPOINT_URL"],
        access_key=os.environ["AWS_ACCESS_KEY_ID"],
        secret_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        region=os.environ["AWS_DEFAULT_REGION"],
    )
    TorchTrainer(
        train,
        train_loop_config={"run": "/etc/recovery/run.yaml"},
        scaling_config=ScalingConfig(num_workers=(1, 3)),
        run_config=RunConfig(
            name="ray", storage_path="berth", storage_filesystem=files, failure_config=FailureConfig(max_failures=-1)
        ),
    ).fit()
