"""Fifty steps of the engine's own loop, and of a loop over `transformers` written out here: one curve.

Same weights, same batches, AdamW, clipping and schedule; no dropout. Ours takes a batch in packed micro-batches, theirs
at once and padded.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor, nn
from transformers import get_linear_schedule_with_warmup

from tests.parity import assert_all_below, gradient_differences, padded, span_loss
from tests.tasks.conftest import Prepared
from trainer.config.schema import Model, Optimizer, Schedule, Training
from trainer.engine.checkpoint import Checkpoints
from trainer.engine.loop import Loop
from trainer.engine.parallel import Workers
from trainer.engine.state import State
from trainer.engine.task import Task
from trainer.model import hf
from trainer.tasks.pretrain import PretrainTask
from trainer.tasks.squad import SquadTask
from trainer.tracking.tracker import Trackers

ALONE = Workers(torch.device("cpu"))
STEPS = 50
LARGER = Model(
    hidden_size=256,
    num_hidden_layers=4,
    num_attention_heads=4,
    intermediate_size=1024,
    max_position_embeddings=96,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
)


def settings(learning_rate: float) -> dict[str, Any]:
    return {
        "precision": "fp32",
        "log_every": 1,
        "optimizer": Optimizer(learning_rate=learning_rate, weight_decay=0.1, max_grad_norm=1.0),
        "schedule": Schedule(kind="linear", warmup_ratio=0.2),
    }


def pretraining(prepared: Prepared, model: Model, learning_rate: float = 2e-3) -> PretrainTask:
    torch.manual_seed(0)
    stage = prepared.run.pretrain[0].model_copy(update=settings(learning_rate) | {"max_steps": STEPS})
    run = prepared.run.model_copy(update={"model": model, "pretrain": (stage,)})
    return PretrainTask(run, stage, prepared.folder)


def answering(prepared: Prepared, model: Model, learning_rate: float = 2e-3) -> SquadTask:
    torch.manual_seed(0)
    stage = prepared.run.squad[0].model_copy(update=settings(learning_rate) | {"epochs": 25})
    return SquadTask(prepared.run.model_copy(update={"model": model, "pretrain": ()}), stage, prepared.folder)


TASKS = [pytest.param(pretraining, id="pretraining"), pytest.param(answering, id="answering")]


def theirs(task: Task) -> nn.Module:
    """Our weights in a model of `transformers`."""
    kind = transformers.BertForPreTraining if isinstance(task, PretrainTask) else transformers.BertForQuestionAnswering
    config = transformers.BertConfig(**task.model.config.model_dump(), vocab_size=task.model.vocab_size)
    model = kind(config)
    left = model.load_state_dict(hf.to_hf(task.model), strict=False)
    assert set(left.missing_keys) <= {"cls.predictions.decoder.weight", "cls.predictions.decoder.bias"}
    assert left.unexpected_keys == []
    return model.train()


def their_loss(model: nn.Module, task: Task, step: int) -> Tensor:
    """The loss of the whole batch of a step."""
    parts = [padded(batch.inputs, task.settings.max_length) for batch in task.micro_batches(step, 0, 1)]
    columns = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    output = model(**columns)
    return output.loss if isinstance(task, PretrainTask) else span_loss(output, columns)


def their_curve(model: nn.Module, task: Task) -> list[float]:
    stage: Training = task.settings
    undecayed = [name for name, _ in model.named_parameters() if name.endswith("bias") or "LayerNorm" in name]
    groups = [
        {"params": [part for name, part in model.named_parameters() if name not in undecayed]},
        {"params": [part for name, part in model.named_parameters() if name in undecayed], "weight_decay": 0.0},
    ]
    wanted = stage.optimizer
    optimizer = torch.optim.AdamW(
        groups, lr=wanted.learning_rate, betas=wanted.betas, eps=wanted.eps, weight_decay=wanted.weight_decay
    )
    warmup = round(stage.schedule.warmup_ratio * STEPS)
    share = get_linear_schedule_with_warmup(optimizer, warmup, STEPS).lr_lambdas[0]
    losses: list[float] = []
    for step in range(STEPS):
        for group in optimizer.param_groups:  # theirs wastes the first step on a rate of 0; ours warms up a step ahead
            group["lr"] = wanted.learning_rate * share(step + 1 if step < warmup else step)
        loss = their_loss(model, task, step)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), wanted.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


def our_curve(task: Task, folder: Path) -> list[float]:
    state = State.fresh(task.model, task.settings)
    checkpoints = Checkpoints(str(folder / "checkpoints"), "", keep=1)
    options: dict[str, Any] = {"checkpoint_every": STEPS, "tracker": Trackers(), "stop_requested": lambda: False}
    assert Loop(task, state, ALONE, seed=0, checkpoints=checkpoints, **options).run()
    return [record["train/loss"] for record in state.history]


@pytest.mark.parametrize("made", TASKS)
def test_every_gradient_of_a_batch_is_that_of_transformers(prepared: Prepared, made: Any) -> None:
    task = made(prepared, prepared.run.model)
    model = theirs(task)

    their_loss(model, task, 0).backward()
    batches = task.micro_batches(0, 0, 1)
    counts = torch.tensor([batch.counts for batch in batches]).sum(dim=0)
    for batch in batches:
        (task.losses(task.model.train(), batch.inputs).losses / counts).sum().backward()

    assert_all_below(gradient_differences(task.model, model), 1e-5)


@pytest.mark.parametrize("made", TASKS)
@pytest.mark.parametrize("shape", ["small", pytest.param("larger", marks=pytest.mark.slow)])
def test_fifty_steps_have_the_losses_of_transformers(prepared: Prepared, tmp_path: Path, made: Any, shape: str) -> None:
    # At 2e-3 the larger one is unstable: even transformers' eager and sdpa attention part by 8e-4 within the 50 steps.
    task = made(prepared, prepared.run.model) if shape == "small" else made(prepared, LARGER, learning_rate=5e-4)
    assert task.steps == STEPS

    expected = their_curve(theirs(task), task)
    curve = our_curve(task, tmp_path)

    assert curve[-1] < 0.9 * curve[0]
    assert curve == pytest.approx(expected, rel=0, abs=1e-4)
