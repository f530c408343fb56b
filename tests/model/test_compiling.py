"""The layers under torch's compiler, which wants a C++ compiler on the CPU."""

import shutil

import numpy as np
import pytest
import torch
from torch._dynamo.utils import counters

from trainer.config import schema
from trainer.model.bert import Bert
from trainer.model.packing import Packed, pack

VOCAB_SIZE = 97
SHAPE = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 64}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("g++"), reason="torch's compiler needs g++, and there is none"),
    # Its own look at a tensor's gradient.
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf Tensor:UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def batches(count: int) -> list[Packed]:
    rng = np.random.default_rng(0)
    mixtures = [rng.integers(1, 60, size=rng.integers(2, 7)) for _ in range(count)]
    return [pack([rng.integers(VOCAB_SIZE, size=n) for n in one], [np.zeros(n, int) for n in one]) for one in mixtures]


def test_all_layers_and_lengths_share_one_compilation() -> None:
    torch._dynamo.reset()
    bert = Bert(schema.Model(**SHAPE), VOCAB_SIZE).train()
    bert.compile_layers()
    counters.clear()

    for packed in batches(12):
        bert(packed).sum().backward()

    assert counters["stats"]["unique_graphs"] == 1
    assert not counters["graph_break"]


def test_compiled_layers_compute_the_same() -> None:
    torch._dynamo.reset()
    torch.manual_seed(0)
    shape = schema.Model(**SHAPE, hidden_dropout_prob=0, attention_probs_dropout_prob=0, initializer_range=0.2)
    plain = Bert(shape, VOCAB_SIZE)
    compiled = Bert(shape, VOCAB_SIZE)
    compiled.load_state_dict(plain.state_dict())
    compiled.compile_layers()

    for packed in batches(3):
        hidden, expected = compiled(packed), plain(packed)
        direction = torch.randn_like(expected)
        gradients, expected_gradients = (
            torch.autograd.grad(out, list(model.parameters()), direction)
            for out, model in ((hidden, compiled), (expected, plain))
        )
        torch.testing.assert_close(hidden, expected, rtol=0, atol=1e-5)
        torch.testing.assert_close(gradients, expected_gradients, rtol=1e-4, atol=1e-4)


def test_compiled_dropout_follows_torchs_seed() -> None:
    torch._dynamo.reset()
    shape = schema.Model(**SHAPE, hidden_dropout_prob=0.5, attention_probs_dropout_prob=0)
    bert = Bert(shape, VOCAB_SIZE).train()
    bert.compile_layers()
    (packed,) = batches(1)

    hidden = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        hidden.append(bert(packed))

    assert torch.equal(hidden[0], hidden[1])
    assert not torch.equal(hidden[0], hidden[2])
