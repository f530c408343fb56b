"""AdamW and LAMB beside their papers' formulas, written out in float64 numpy."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import nn

from trainer.config import schema
from trainer.errors import CheckpointError
from trainer.model.heads import BertForPreTraining
from trainer.optim import optimizers

LAMB = schema.Optimizer(kind="lamb", learning_rate=6e-3)
ADAMW = schema.Optimizer(kind="adamw", learning_rate=1e-3, betas=(0.9, 0.98))
Array = NDArray[np.float64]


class Reference:
    """One parameter under AdamW (Loshchilov & Hutter 2019, algorithm 2) or LAMB (You et al. 2020, algorithm 2)."""

    def __init__(self, config: schema.Optimizer, weight: Array) -> None:
        self.config = config
        self.weight = weight.copy()
        self.decayed = weight.ndim > 1
        self.mean = np.zeros_like(weight)
        self.square = np.zeros_like(weight)
        self.steps = 0

    def step(self, gradient: Array, learning_rate: float) -> None:
        beta1, beta2 = self.config.betas
        self.steps += 1
        self.mean = beta1 * self.mean + (1 - beta1) * gradient
        self.square = beta2 * self.square + (1 - beta2) * gradient**2
        mean = self.mean / (1 - beta1**self.steps)
        square = self.square / (1 - beta2**self.steps)
        update = mean / (np.sqrt(square) + self.config.eps)
        if self.decayed:
            update = update + self.config.weight_decay * self.weight
        self.weight = self.weight - learning_rate * self._trust_ratio(update) * update

    def _trust_ratio(self, update: Array) -> float:
        norms = np.linalg.norm(self.weight), np.linalg.norm(update)
        if self.config.kind == "adamw" or not self.decayed or 0 in norms:
            return 1.0
        return float(norms[0] / norms[1])


def small_model() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(7, 5), nn.Linear(5, 4), nn.LayerNorm(4), nn.Linear(4, 3))
    nn.init.zeros_(model[3].weight)  # LAMB's first step from a norm of 0
    return model


def gradients(model: nn.Module, step: int) -> None:
    generator = torch.Generator().manual_seed(step)
    for parameter in model.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator, dtype=torch.float64).to(parameter.dtype)


def train(model: nn.Module, optimizer: torch.optim.Optimizer, first: int, last: int) -> None:
    for step in range(first, last):
        gradients(model, step)
        optimizers.set_learning_rate(optimizer, 1e-3 * (1 + step % 3))
        optimizer.step()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-6)])
@pytest.mark.parametrize("config", [ADAMW, LAMB], ids=["adamw", "lamb"])
def test_twenty_steps_are_the_papers(config: schema.Optimizer, dtype: torch.dtype, tolerance: float) -> None:
    model = small_model().to(dtype)
    optimizer = optimizers.build(config, model)
    references = [Reference(config, parameter.detach().double().numpy()) for parameter in model.parameters()]

    for step in range(20):
        gradients(model, step)
        learning_rate = config.learning_rate / (1 + step)
        for parameter, reference in zip(model.parameters(), references, strict=True):
            assert parameter.grad is not None
            reference.step(parameter.grad.double().numpy(), learning_rate)
        optimizers.set_learning_rate(optimizer, learning_rate)
        optimizer.step()

    for (name, parameter), reference in zip(model.named_parameters(), references, strict=True):
        np.testing.assert_allclose(parameter.detach().double(), reference.weight, rtol=0, atol=tolerance, err_msg=name)


def test_lamb_moves_a_matrix_by_its_share_of_the_matrixs_norm() -> None:
    model = small_model()
    before = model[1].weight.detach().clone()
    optimizer = optimizers.build(LAMB, model)

    gradients(model, 0)
    optimizer.step()

    moved = (model[1].weight - before).norm() / before.norm()
    assert moved.item() == pytest.approx(LAMB.learning_rate, rel=1e-5)


@pytest.mark.parametrize("config", [ADAMW, LAMB], ids=["adamw", "lamb"])
def test_a_step_with_something_infinite_changes_nothing(config: schema.Optimizer) -> None:
    undisturbed, disturbed = small_model(), small_model()
    one, other = optimizers.build(config, undisturbed), optimizers.build(config, disturbed)
    train(undisturbed, one, 0, 2)
    train(disturbed, other, 0, 1)

    for parameter in disturbed.parameters():
        parameter.grad = torch.full_like(parameter, torch.nan)
    optimizers.skip_where(other, torch.ones(()))
    other.step()
    optimizers.skip_where(other, torch.zeros(()))
    train(disturbed, other, 1, 2)

    assert all(map(torch.equal, disturbed.parameters(), undisturbed.parameters()))
    assert optimizers.updates(one) == optimizers.updates(other) == 2
    states = [optimizers.state_tensors(*pair) for pair in ((one, undisturbed), (other, disturbed))]
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())


def test_a_matrix_larger_than_a_chunk_has_one_trust_ratio() -> None:
    torch.manual_seed(0)
    model = nn.Embedding(1500, 1024)
    before = model.weight.detach().clone()
    optimizer = optimizers.build(LAMB, model)

    gradients(model, 0)
    optimizer.step()

    moved = (model.weight.detach() - before).double()
    assert (moved.norm() / before.double().norm()).item() == pytest.approx(LAMB.learning_rate, rel=1e-5)
    first, second = moved.view(-1).split(1 << 20)  # at step 1, u is the gradient's sign and a little decay
    assert first.abs().mean().item() == pytest.approx(second.abs().mean().item(), rel=1e-3)


def test_a_step_leaves_the_learning_rate_as_it_was_set() -> None:
    model = small_model()
    optimizer = optimizers.build(LAMB, model)

    train(model, optimizer, 0, 1)

    assert [group["lr"] for group in optimizer.param_groups] == [1e-3, 1e-3]


def test_biases_and_layer_norms_take_no_weight_decay() -> None:
    shape = schema.Model(hidden_size=32, num_hidden_layers=2, num_attention_heads=2)
    model = BertForPreTraining(shape, 97, next_sentence_prediction=True)
    names = {parameter: name for name, parameter in model.named_parameters()}

    optimizer = optimizers.build(schema.Optimizer(weight_decay=0.05), model)
    decays = {names[p]: group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}

    assert decays.keys() == set(names.values())
    for name, decay in decays.items():
        assert decay == (0.0 if name.endswith("bias") or "norm" in name else 0.05), name


@pytest.mark.parametrize("config", [ADAMW, LAMB], ids=["adamw", "lamb"])
def test_training_continues_bit_for_bit_from_saved_state(config: schema.Optimizer, tmp_path: Path) -> None:
    undisturbed, disturbed = small_model(), small_model()
    optimizer = optimizers.build(config, undisturbed)
    train(undisturbed, optimizer, 0, 7)
    first = optimizers.build(config, disturbed)
    train(disturbed, first, 0, 4)
    safetensors.torch.save_file(optimizers.state_tensors(first, disturbed), tmp_path / "optimizer.safetensors")

    second = optimizers.build(config, disturbed)
    tensors = safetensors.torch.load_file(tmp_path / "optimizer.safetensors")
    optimizers.load_state_tensors(second, disturbed, tensors, step=4, where="optimizer.safetensors")
    train(disturbed, second, 4, 7)

    for ours, expected in zip(disturbed.parameters(), undisturbed.parameters(), strict=True):
        assert torch.equal(ours, expected)
    expected_state = optimizers.state_tensors(optimizer, undisturbed)
    assert all(
        torch.equal(tensor, expected_state[name])
        for name, tensor in optimizers.state_tensors(second, disturbed).items()
    )


def test_loaded_state_is_a_copy() -> None:
    model = small_model()
    optimizer = optimizers.build(ADAMW, model)
    train(model, optimizer, 0, 1)
    saved = {name: tensor.clone() for name, tensor in optimizers.state_tensors(optimizer, model).items()}

    optimizers.load_state_tensors(optimizer, model, saved, step=1, where="memory")
    before = saved["exp_avg.1.weight"].clone()
    train(model, optimizer, 1, 2)

    assert torch.equal(saved["exp_avg.1.weight"], before)


def test_before_the_first_step_there_is_no_state() -> None:
    model = small_model()
    optimizer = optimizers.build(ADAMW, model)

    assert optimizers.state_tensors(optimizer, model) == {}
    optimizers.load_state_tensors(optimizer, model, {}, step=0, where="memory")
    assert optimizers.state_tensors(optimizer, model) == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"exp_avg.1.weight": None}, "tensor exp_avg.1.weight is missing"),
        ({"exp_avg.9.weight": torch.zeros(1)}, "tensor exp_avg.9.weight belongs to no parameter of this model"),
        ({"exp_avg_sq.1.bias": torch.zeros(5)}, "tensor exp_avg_sq.1.bias has shape (5,), the model's is (4,)"),
    ],
    ids=["missing", "left over", "another shape"],
)
def test_state_of_another_model_is_refused_by_name(change: dict[str, Any], message: str) -> None:
    model = small_model()
    optimizer = optimizers.build(ADAMW, model)
    train(model, optimizer, 0, 1)
    tensors = {**optimizers.state_tensors(optimizer, model), **change}
    tensors = {name: tensor for name, tensor in tensors.items() if tensor is not None}

    with pytest.raises(CheckpointError, match=f"^optimizer.safetensors: {re.escape(message)}; .+"):
        optimizers.load_state_tensors(optimizer, model, tensors, step=1, where="optimizer.safetensors")
