import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.model.packing import Packed, pack, pad, padded_positions, unpad

LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=6)


def packed_of(lengths: list[int]) -> Packed:
    return pack([np.arange(length, dtype=np.uint16) for length in lengths], [np.zeros(n, np.uint8) for n in lengths])


def test_a_batch_lays_sequences_end_to_end() -> None:
    packed = pack([np.array([5, 6, 7], np.uint16), np.array([8], np.uint16)], [np.array([0, 0, 1]), np.array([0])])

    assert packed.input_ids.tolist() == [5, 6, 7, 8]
    assert packed.token_type_ids.tolist() == [0, 0, 1, 0]
    assert packed.position_ids.tolist() == [0, 1, 2, 0]
    assert packed.cu_seqlens.tolist() == [0, 3, 4]
    assert packed.max_seqlen == 3


def test_ids_are_int64_and_offsets_int32() -> None:
    packed = packed_of([2, 3])

    assert {tensor.dtype for tensor in packed[:3]} == {torch.int64}
    assert packed.cu_seqlens.dtype == torch.int32


def test_a_batch_moves_as_a_whole() -> None:
    moved = packed_of([2, 3]).to("meta")

    assert {tensor.device.type for tensor in moved[:4]} == {"meta"}
    assert moved.max_seqlen == 3


@given(LENGTHS)
def test_padding_is_undone_by_unpadding(lengths: list[int]) -> None:
    packed = packed_of(lengths)
    values = torch.randn(sum(lengths), 2, 3)
    positions = padded_positions(packed.cu_seqlens, packed.max_seqlen, len(values))

    padded = pad(values, positions, len(lengths), packed.max_seqlen)

    assert padded.shape == (len(lengths), max(lengths), 2, 3)
    assert torch.equal(unpad(padded, positions), values)


@given(LENGTHS)
def test_what_is_padded_is_zero(lengths: list[int]) -> None:
    packed = packed_of(lengths)
    positions = padded_positions(packed.cu_seqlens, packed.max_seqlen, sum(lengths))

    padded = pad(torch.ones(sum(lengths)), positions, len(lengths), packed.max_seqlen)

    assert padded.tolist() == [[1.0] * length + [0.0] * (max(lengths) - length) for length in lengths]
