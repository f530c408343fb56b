"""Randomness that is addressed, not streamed: a generator for a place, so that no draw depends on an earlier one."""

import numpy as np


def generator(seed: int, *address: int) -> np.random.Generator:
    """The generator of a place, say (epoch,) or (epoch, sample); addresses, also of other lengths, share no draw.

    Philox (Salmon et al. 2011) is a function of key and counter, so making one costs 10 us and no warm-up. The lowest
    word of the counter, 2^64 draws, is left to the generator.
    """
    key = np.array([seed % 2**64, len(address)], np.uint64)
    counter = np.array([0] * (4 - len(address)) + [*address], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
