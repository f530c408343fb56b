"""Nothing between a batch on the host and its gradients waits for the GPU."""

import numpy as np
import pytest
import torch

from trainer.config import schema
from trainer.model.cross_entropy import cross_entropy
from trainer.model.heads import BertForPreTraining
from trainer.model.packing import pack, sent

LENGTHS = [9, 30, 17]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU, and there is none")
@pytest.mark.parametrize("attention_dropout", [0.0, 0.1], ids=["varlen", "padded"])
def test_a_forward_and_backward_pass_never_waits_for_the_gpu(attention_dropout: float) -> None:
    shape = schema.Model(
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        attention_probs_dropout_prob=attention_dropout,
    )
    model = BertForPreTraining(shape, 97, next_sentence_prediction=True).cuda().train()
    rows = [np.arange(length) for length in LENGTHS]

    def step() -> None:
        packed = pack(rows, [np.zeros_like(row) for row in rows]).to("cuda")
        positions, labels, pairs = (sent(torch.tensor(part), "cuda") for part in ([1, 8, 20], [3, 4, 5], [0, 1, 0]))
        with torch.autocast("cuda", torch.bfloat16):
            mlm_logits, nsp_logits = model(packed, positions)
            losses = [cross_entropy(mlm_logits, labels)[0], cross_entropy(nsp_logits, pairs)[0]]
        torch.stack(losses).sum().backward()

    step()  # kernels are loaded and memory is taken, for which the host may wait
    torch.cuda.set_sync_debug_mode("error")
    try:
        step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
