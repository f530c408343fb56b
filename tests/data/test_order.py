from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.data.order import Order, Permutation, rank_slice, ranks_of

seeds = st.integers(-(2**40), 2**70)
counts = st.integers(1, 1000)
sources = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from([0.01, 0.3, 0.5, 1, 1.5, 2, 2.75, 3])), min_size=1, max_size=6
).filter(lambda sources: any(count for count, _ in sources))
"""Instances in each, and its weight."""


def by_definition(sources: list[tuple[int, float]], seed: int, sample: int) -> tuple[int, int]:
    """The round and the number of one sample, without arrays."""
    amounts = [max(1, round(weight * count)) if count else 0 for count, weight in sources]
    epoch, place = divmod(sample, sum(amounts))
    place = int(Permutation(sum(amounts), seed, epoch)(np.array([place]))[0])
    first = 0
    for source, ((count, _), amount) in enumerate(zip(sources, amounts, strict=True)):
        if place < amount:
            seen, number = divmod(epoch * amount + place, count)
            if amount % count:
                number = int(Permutation(count, seed, seen, source, 0)(np.array([number]))[0])
            return seen, first + number
        place -= amount
        first += count
    raise AssertionError


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


@given(sources=sources, seed=seeds, start=st.sampled_from([0, 17, 10**9, 10**15]), size=st.integers(1, 60))
@settings(max_examples=50)
def test_any_stretch_is_what_the_definition_says_of_each_sample(
    sources: list[tuple[int, float]], seed: int, start: int, size: int
) -> None:
    sizes, weights = zip(*sources, strict=True)
    rounds, numbers = Order(sizes, weights, seed)(start, start + size)
    expected = [by_definition(sources, seed, sample) for sample in range(start, start + size)]
    assert list(zip(rounds.tolist(), numbers.tolist(), strict=True)) == expected


@given(sizes=st.lists(st.integers(0, 60), min_size=1, max_size=4), seed=seeds, data=st.data())
@settings(max_examples=50)
def test_with_whole_weights_every_epoch_has_each_instance_that_often(
    sizes: list[int], seed: int, data: st.DataObject
) -> None:
    weights = [data.draw(st.integers(1, 4)) for _ in sizes]
    order = Order(sizes, weights, seed)
    for epoch in range(3) if len(order) else ():
        _, numbers = order(epoch * len(order), (epoch + 1) * len(order))
        assert np.bincount(numbers, minlength=sum(sizes)).tolist() == np.repeat(weights, sizes).tolist()


@given(count=st.integers(1, 60), weight=st.floats(0.01, 5), other=st.integers(0, 30), seed=seeds, data=st.data())
@settings(max_examples=50)
def test_with_any_weight_the_instances_of_a_source_are_seen_equally_often_but_for_one(
    count: int, weight: float, other: int, seed: int, data: st.DataObject
) -> None:
    order = Order([other, count], [1, weight], seed)
    epochs = data.draw(st.integers(1, 8))
    _, numbers = order(0, epochs * len(order))
    seen = np.bincount(numbers, minlength=other + count)[other:]
    amount = max(1, round(weight * count))
    assert seen.sum() == epochs * amount
    assert set(seen.tolist()) <= {epochs * amount // count, -(-epochs * amount // count)}


@given(sources=sources, seed=seeds)
@settings(max_examples=30)
def test_no_instance_is_drawn_twice_with_the_same_generator(sources: list[tuple[int, float]], seed: int) -> None:
    sizes, weights = zip(*sources, strict=True)
    order = Order(sizes, weights, seed)
    pairs = np.stack(order(0, 4 * len(order)), axis=1)
    assert np.unique(pairs, axis=0).shape == pairs.shape


def test_a_single_source_is_in_the_order_of_the_epochs_permutation() -> None:
    rounds, numbers = Order([100], [1], seed=3)(250, 300)
    assert set(rounds.tolist()) == {2}
    assert np.array_equal(numbers, Permutation(100, 3, 2)(np.arange(50, 100)))


def test_another_half_of_a_source_comes_in_every_epoch_of_weight_one_half() -> None:
    order = Order([1000], [0.5], seed=0)
    epochs = [set(order(start, start + 500)[1].tolist()) for start in (0, 500, 1000, 1500)]
    assert epochs[0].isdisjoint(epochs[1])
    assert epochs[2].isdisjoint(epochs[3])
    assert len(epochs[0] & epochs[2]) == pytest.approx(250, abs=5 * np.sqrt(1000) / 4)  # hypergeometric


def test_sources_are_mixed_through_the_whole_epoch() -> None:
    order = Order([4000, 1000], [1, 3], seed=0)
    _, numbers = order(0, len(order))
    shares = (numbers >= 4000).reshape(70, 100).mean(axis=1)
    assert abs(shares - 3 / 7).max() < 5 * np.sqrt(3 / 7 * 4 / 7 / 100)


@given(batch_size=counts, world_size=counts)
def test_ranks_share_a_batch_evenly(batch_size: int, world_size: int) -> None:
    slices = [rank_slice(batch_size, rank, world_size) for rank in range(world_size)]
    sizes = [part.stop - part.start for part in slices]
    assert all(left.stop == right.start for left, right in pairwise(slices))
    assert (slices[0].start, slices[-1].stop) == (0, batch_size)
    assert max(sizes) - min(sizes) <= 1


@given(lengths=st.lists(st.integers(1, 512), min_size=1, max_size=300), world_size=st.integers(1, 64))
def test_ranks_take_as_many_samples_but_for_one_and_tokens_but_for_the_longest(
    lengths: list[int], world_size: int
) -> None:
    ranks = ranks_of(np.array(lengths), world_size)
    samples = np.bincount(ranks, minlength=world_size)
    tokens = np.bincount(ranks, weights=lengths, minlength=world_size)
    assert samples.max() - samples.min() <= 1
    assert tokens.max() - tokens.min() <= max(lengths)


def test_equal_samples_are_dealt_forth_and_back() -> None:
    assert ranks_of(np.full(7, 9), 3).tolist() == [0, 1, 2, 2, 1, 0, 0]
