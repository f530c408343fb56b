"""Sequences of any length, laid end to end: what a batch is here, and the way to the padded layout and back.

In: one array of ids per sequence. Out: `Packed`, whose tensors are T tokens long, T being the sum of the lengths. Half
of a classic 512-token batch is padding; a packed one has none, at the price of carrying where each sequence begins.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Packed(NamedTuple):
    """S sequences as one row of T tokens; sequence s holds those from `cu_seqlens[s]` to before `cu_seqlens[s + 1]`."""

    input_ids: Tensor
    """(T,) int64."""
    token_type_ids: Tensor
    """(T,) int64: 0 in the first text of a pair, 1 in the second."""
    position_ids: Tensor
    """(T,) int64, counted from 0 in each sequence."""
    cu_seqlens: Tensor
    """(S + 1,) int32, from 0 to T."""
    max_seqlen: int
    """Tokens of the longest sequence; a plain number, so that asking for it never waits for the device."""

    def to(self, device: torch.device | str) -> "Packed":
        """The same batch on a device, `sent` there."""
        moved = (sent(tensor, device) for tensor in self[:4])
        return Packed(*moved, max_seqlen=self.max_seqlen)


def sent(tensor: Tensor, device: torch.device | str) -> Tensor:
    """A tensor on a device. It goes to a GPU by pinned memory: to copy it from elsewhere, the host would wait for all
    kernels that are queued before the copy.
    """
    if torch.device(device).type == "cuda" and tensor.device.type == "cpu":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def pack(input_ids: Sequence[NDArray[Any]], token_type_ids: Sequence[NDArray[Any]]) -> Packed:
    """One batch of sequences that each have at least one token; any integer dtype goes in, int64 comes out."""
    lengths = np.array([len(ids) for ids in input_ids], dtype=np.int64)
    assert lengths.min(initial=1) > 0, "every sequence has tokens"
    assert [len(types) for types in token_type_ids] == lengths.tolist(), "a token type for every token"
    cu_seqlens = np.concatenate(([0], np.cumsum(lengths)))
    position_ids = np.arange(cu_seqlens[-1]) - np.repeat(cu_seqlens[:-1], lengths)
    return Packed(
        input_ids=torch.from_numpy(np.concatenate(input_ids).astype(np.int64)),
        token_type_ids=torch.from_numpy(np.concatenate(token_type_ids).astype(np.int64)),
        position_ids=torch.from_numpy(position_ids),
        cu_seqlens=torch.from_numpy(cu_seqlens.astype(np.int32)),
        max_seqlen=int(lengths.max()),
    )


def padded_positions(cu_seqlens: Tensor, max_seqlen: int, tokens: int) -> Tensor:
    """(T,) int64: where each packed token stands in the flattened (S * L) padded layout; no wait for the device."""
    lengths = cu_seqlens.diff()
    gaps = torch.arange(len(lengths), device=cu_seqlens.device) * max_seqlen - cu_seqlens[:-1]
    return torch.repeat_interleave(gaps, lengths, output_size=tokens) + torch.arange(tokens, device=cu_seqlens.device)


def pad(packed: Tensor, positions: Tensor, sequences: int, max_seqlen: int) -> Tensor:
    """(T, ...) -> (S, L, ...), zeros after the end of each sequence. `positions` are `padded_positions`."""
    zeros = packed.new_zeros(sequences * max_seqlen, *packed.shape[1:])
    return zeros.index_copy(0, positions, packed).unflatten(0, (sequences, max_seqlen))


def unpad(padded: Tensor, positions: Tensor) -> Tensor:
    """(S, L, ...) -> (T, ...): what `pad` did, undone."""
    return padded.flatten(0, 1).index_select(0, positions)
