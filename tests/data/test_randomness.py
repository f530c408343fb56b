import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trainer.data.randomness import generator


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
