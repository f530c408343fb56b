"""Self-attention over packed sequences: one signature, three kernels.

`varlen` reads the packed layout as it is; it wants CUDA and 16-bit numbers and has no dropout. `padded` covers the rest
of CUDA: one masked call over the padded layout. `split` is for the CPU: our own, sequence by sequence, which would keep
a GPU waiting. The caller names the kernel; `choose_kernel` knows which one fits. `tests.benchmarks.attention` compares.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from trainer.model.packing import pad, padded_positions, unpad
from trainer.model.split_attention import split_attention

if torch.cuda.is_available():  # it loads torch's compiler: 6 s that a machine without a GPU need not wait
    from torch.nn.attention.varlen import varlen_attn

Kernel = Literal["varlen", "padded", "split"]


def choose_kernel(device: torch.device, dtype: torch.dtype, dropout_p: float) -> Kernel:
    """The fastest kernel that computes attention with this dropout on this device in this precision."""
    if device.type != "cuda":
        return "split"
    return "varlen" if dropout_p == 0 and dtype in (torch.bfloat16, torch.float16) else "padded"


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    cu_seqlens: Tensor,
    max_seqlen: int,
    *,
    dropout_p: float,
    kernel: Kernel,
) -> Tensor:
    """softmax(q k^T / sqrt(D)) v (Vaswani et al. 2017) inside each sequence; dropout falls on the softmax.

    `query`, `key`, `value` and the result are (T, H, D); `cu_seqlens` and `max_seqlen` are `Packed`'s.
    """
    match kernel:
        case "varlen":
            assert dropout_p == 0, "torch's varlen kernel has no dropout"
            return _varlen(query, key, value, cu_seqlens, max_seqlen)
        case "padded":
            return _padded(query, key, value, cu_seqlens, max_seqlen, dropout_p=dropout_p)
        case "split":
            return split_attention(query, key, value, cu_seqlens.diff().tolist(), dropout_p)


def _varlen(query: Tensor, key: Tensor, value: Tensor, cu_seqlens: Tensor, max_seqlen: int) -> Tensor:
    attended = varlen_attn(  # pyright: ignore[reportPossiblyUnboundVariable]
        query, key, value, cu_seqlens, cu_seqlens, max_seqlen, max_seqlen
    )
    assert isinstance(attended, Tensor), "no auxiliary result was asked for"
    return attended


def _padded(
    query: Tensor, key: Tensor, value: Tensor, cu_seqlens: Tensor, max_seqlen: int, *, dropout_p: float
) -> Tensor:
    sequences = len(cu_seqlens) - 1
    positions = padded_positions(cu_seqlens, max_seqlen, len(query))
    heads_first = [pad(part, positions, sequences, max_seqlen).transpose(1, 2) for part in (query, key, value)]
    mask = None
    if len(query) < sequences * max_seqlen:
        inside = torch.arange(max_seqlen, device=query.device) < cu_seqlens.diff()[:, None]
        mask = inside[:, None, None, :]
    attended = scaled_dot_product_attention(*heads_first, attn_mask=mask, dropout_p=dropout_p)
    return unpad(attended.transpose(1, 2), positions)
