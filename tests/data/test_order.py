from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.data.order import Permutation, rank_slice, sample_ids

seeds = st.integers(-(2**40), 2**70)
counts = st.integers(1, 1000)


@given(size=st.integers(1, 3000), seed=seeds, epoch=st.integers(0, 2**40))
def test_an_epoch_is_a_permutation(size: int, seed: int, epoch: int) -> None:
    permuted = Permutation(size, seed, epoch)(np.arange(size))
    assert np.array_equal(np.sort(permuted), np.arange(size))


@given(size=st.integers(2**31, 2**40), seed=seeds, start=st.integers(0, 2**30))
def test_a_huge_epoch_repeats_nothing(size: int, seed: int, start: int) -> None:
    permuted = Permutation(size, seed, 0)(np.arange(start, start + 1000))
    assert np.unique(permuted).size == 1000
    assert permuted.min() >= 0
    assert permuted.max() < size


def test_another_seed_or_epoch_is_another_order() -> None:
    orders = {(s, e): tuple(Permutation(50, s, e)(np.arange(50)).tolist()) for s in range(10) for e in range(10)}
    assert len(set(orders.values())) == 100


@pytest.mark.parametrize("size", [2, 3, 20])
def test_every_sample_comes_to_every_place_equally_often(size: int) -> None:
    epochs = 600
    orders = np.stack([Permutation(size, 3, epoch)(np.arange(size)) for epoch in range(epochs)])
    counts = np.stack([np.bincount(orders[:, place], minlength=size) for place in range(size)])
    expected = epochs / size
    chi_square = ((counts - expected) ** 2 / expected).sum()
    freedom = (size - 1) ** 2
    assert chi_square < freedom + 5 * np.sqrt(2 * freedom)


def test_neighbours_in_the_text_are_not_neighbours_in_the_epoch() -> None:
    permuted = Permutation(100_000, 0, 0)(np.arange(100_000)).astype(float)
    assert abs(np.corrcoef(permuted[:-1], permuted[1:])[0, 1]) < 0.02
    assert abs(np.corrcoef(permuted, np.arange(100_000))[0, 1]) < 0.02


@given(size=st.integers(1, 200), batch_size=st.integers(1, 300), seed=seeds)
@settings(max_examples=30)
def test_every_epoch_has_each_sample_once(size: int, batch_size: int, seed: int) -> None:
    steps = -(-3 * size // batch_size)
    pairs = [sample_ids(step, batch_size, size, seed) for step in range(steps)]
    epochs, ids = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    for epoch in range(3):
        assert np.array_equal(np.sort(ids[epochs == epoch]), np.arange(size))


def test_step_ten_million_is_computed_alone() -> None:
    epochs, ids = sample_ids(10_000_000, 256, 1_000_003, seed=1)
    counted = 10_000_000 * 256 + np.arange(256)
    assert np.array_equal(epochs, counted // 1_000_003)
    assert np.array_equal(ids, Permutation(1_000_003, 1, int(epochs[0]))(counted % 1_000_003))


@given(batch_size=counts, world_size=counts)
def test_ranks_share_a_batch_evenly(batch_size: int, world_size: int) -> None:
    slices = [rank_slice(batch_size, rank, world_size) for rank in range(world_size)]
    sizes = [part.stop - part.start for part in slices]
    assert all(left.stop == right.start for left, right in pairwise(slices))
    assert (slices[0].start, slices[-1].stop) == (0, batch_size)
    assert max(sizes) - min(sizes) <= 1
