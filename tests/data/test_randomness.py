import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trainer.data.randomness import generator, uniforms


def test_an_address_always_gives_the_same_draws() -> None:
    assert generator(1, 2, 3).integers(2**62, size=5).tolist() == generator(1, 2, 3).integers(2**62, size=5).tolist()


def test_no_two_addresses_share_a_draw() -> None:
    addresses = [(seed, *rest) for seed in (-1, 0, 1, 2**64 - 3) for rest in [(), (0,), (1,), (0, 0), (0, 1), (1, 0)]]
    draws = [generator(*address).integers(2**62, size=200).tolist() for address in addresses]
    assert len({draw for drawn in draws for draw in drawn}) == len(addresses) * 200


@given(seed=st.integers(-(2**40), 2**70), address=st.lists(st.integers(0, 2**63), max_size=3))
def test_a_generator_is_philox_at_the_place_of_its_address(seed: int, address: list[int]) -> None:
    key = np.array([seed % 2**64, len(address)], np.uint64)
    counter = np.array([0] * (4 - len(address)) + address, np.uint64)
    expected = np.random.Generator(np.random.Philox(key=key, counter=counter))
    assert generator(seed, *address).integers(2**62, size=9).tolist() == expected.integers(2**62, size=9).tolist()


def test_uniform_draws_of_a_place_do_not_depend_on_the_places_beside_it() -> None:
    rounds, numbers = np.repeat([0, 1, 5], 100), np.tile(np.arange(100), 3)
    together = uniforms(3, rounds, numbers, 3)
    alone = [uniforms(3, rounds[[place]], numbers[[place]], 3)[0].tolist() for place in range(300)]
    assert together.tolist() == alone


def test_uniform_draws_are_uniform_and_independent_of_place_draw_and_seed() -> None:
    numbers = np.arange(50_000)
    drawn = [uniforms(seed, np.full_like(numbers, seen), numbers, 3) for seed in (-1, 0, 1) for seen in (0, 1)]
    columns = np.concatenate(drawn, axis=1)
    assert np.unique(columns).size == columns.size
    for column in columns.T:
        counts = np.bincount((column * 100).astype(np.int64), minlength=100)
        assert ((counts - 500) ** 2 / 500).sum() < 99 + 5 * np.sqrt(2 * 99)
    # From one place to the next, and between draws, rounds and seeds.
    pairs = np.corrcoef(np.concatenate([columns[:-1], columns[1:]], axis=1), rowvar=False)
    assert np.abs(pairs - np.eye(36)).max() < 5 / np.sqrt(50_000)
