"""What holds of a training step on an NVIDIA GPU."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tasks.conftest import Prepared
from tests.tasks.test_parity import TASKS
from trainer.engine.checkpoint import Checkpoints
from trainer.engine.loop import Loop
from trainer.engine.parallel import Workers, autocast
from trainer.engine.state import State
from trainer.tracking.tracker import Trackers

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU, and there is none"),
]


@pytest.mark.parametrize("made", TASKS)
@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-4), ("bf16", 2e-2)])
def test_a_batch_has_the_loss_that_it_has_on_the_cpu(
    prepared: Prepared, made: Callable[..., Any], precision: str, tolerance: float
) -> None:
    task = made(prepared, prepared.run.model)
    inputs = task.micro_batches(0, 0, 1)[0].inputs

    expected = task.losses(task.model.train(), inputs).losses
    with autocast(torch.device("cuda"), precision):
        losses = task.losses(copy.deepcopy(task.model).cuda(), inputs).losses

    torch.testing.assert_close(losses.cpu(), expected, rtol=tolerance, atol=0)


@pytest.mark.parametrize("made", TASKS)
def test_a_step_never_waits_for_the_device(prepared: Prepared, tmp_path: Path, made: Callable[..., Any]) -> None:
    """After three steps of warming up, torch refuses whatever would; the loop looks at the losses at the end alone."""
    task = made(prepared, prepared.run.model)
    task.settings = task.settings.model_copy(update={"precision": "bf16", "log_every": 1000})
    task.model.cuda()
    state = State.fresh(task.model, task.settings)

    def stop_requested() -> bool:
        """Asked between two steps."""
        torch.cuda.set_sync_debug_mode("error" if 3 <= state.step < 10 else "default")
        return state.step == 10

    checkpoints = Checkpoints(str(tmp_path / "checkpoints"), "", keep=1)
    options: dict[str, Any] = {"checkpoint_every": 1000, "tracker": Trackers(), "stop_requested": stop_requested}
    try:
        Loop(task, state, Workers(torch.device("cuda")), seed=0, checkpoints=checkpoints, **options).run()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert state.step == 10
