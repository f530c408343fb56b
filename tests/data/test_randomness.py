from trainer.data.randomness import generator


def test_an_address_always_gives_the_same_draws() -> None:
    assert generator(1, 2, 3).integers(2**62, size=5).tolist() == generator(1, 2, 3).integers(2**62, size=5).tolist()


def test_no_two_addresses_share_a_draw() -> None:
    addresses = [(seed, *rest) for seed in (-1, 0, 1, 2**64 - 3) for rest in [(), (0,), (1,), (0, 0), (0, 1), (1, 0)]]
    draws = [generator(*address).integers(2**62, size=200).tolist() for address in addresses]
    assert len({draw for drawn in draws for draw in drawn}) == len(addresses) * 200
