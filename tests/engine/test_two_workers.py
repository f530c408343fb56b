"""The loop on two real processes that exchange gradients over gloo."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook
from torch.nn.parallel import DistributedDataParallel

from tests.engine.line_task import LineTask
from tests.engine.test_loop import Curve, same, weights
from trainer.config import schema
from trainer.config.schema import Training
from trainer.engine.checkpoint import Checkpoints
from trainer.engine.loop import Loop
from trainer.engine.parallel import Workers
from trainer.engine.state import State
from trainer.engine.task import MicroBatch

STEPS = 12
WORLD = 2


class HalfPoisonedTask(LineTask):
    """What the second worker has of two batches makes the losses infinite."""

    def micro_batches(self, step: int, rank: int, world_size: int) -> Sequence[MicroBatch]:
        batches = super().micro_batches(step, rank, world_size)
        if rank == 0 or step not in (7, 8):
            return batches
        return [MicroBatch(batch.inputs * torch.inf, batch.counts, batch.tokens, batch.flop) for batch in batches]


class Counting(Workers):
    """Counts how often gradients are exchanged."""

    exchanges = 0

    def spread(self, model: nn.Module) -> nn.Module:
        spread = super().spread(model)
        assert isinstance(spread, DistributedDataParallel)
        spread.register_comm_hook(None, self._exchange)
        return spread

    def _exchange(self, state: None, bucket: dist.GradBucket) -> torch.futures.Future[Tensor]:
        self.exchanges += 1
        return allreduce_hook(dist.group.WORLD, bucket)


def work(rank: int, folder: Path, settings: Training) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=WORLD)
    workers, task = Counting(torch.device("cpu")), HalfPoisonedTask(settings, STEPS)
    state = State.fresh(task.model, settings)
    Loop(
        task,
        state,
        workers,
        seed=7,
        checkpoints=Checkpoints(str(folder / "checkpoints"), "fingerprint", keep=2),
        checkpoint_every=5,
        tracker=Curve(),
        stop_requested=lambda: False,
    ).run()
    seen = state.vigilance
    told = {"skipped": seen.skipped, "rollbacks": seen.rollbacks, "passed_over": seen.passed_over}
    torch.save((told | {"exchanges": workers.exchanges}, weights(state)), folder / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """What both workers tell alike; each of a step's batches goes through each of them in four parts."""
    folder = tmp_path_factory.mktemp("two")
    settings = Training(
        batch_size=8, micro_batch_size=1, max_length=16, precision="fp32", guard=schema.Guard(rollback_after=2)
    )
    torch.multiprocessing.spawn(work, (folder, settings), nprocs=WORLD)
    (told, one), (also_told, other) = (torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(WORLD))
    assert same(one, other)
    assert all(tensor.isfinite().all() for tensor in one.values())
    assert told == also_told
    return told


def test_workers_skip_and_go_back_alike_though_only_one_has_the_bad_batches(told: dict[str, int]) -> None:
    # Steps 8 and 9 are bad, which is known after step 10; from there to step 5, which goes on with the next batch.
    assert (told["skipped"], told["rollbacks"], told["passed_over"]) == (2, 1, 5)


def test_gradients_are_exchanged_once_a_step_in_however_many_parts_it_is_done(told: dict[str, int]) -> None:
    done_again = 5
    assert told["exchanges"] == STEPS + done_again + 1  # and once before the first, to settle the buckets
