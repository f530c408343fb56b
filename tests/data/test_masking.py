import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.data.masking import Masking
from trainer.data.randomness import generator
from trainer.data.vocab import SpecialIds

SPECIAL = SpecialIds(pad=0, unk=100, cls=101, sep=102, mask=103)
VOCAB_SIZE = 1000


def an_instance(length: int, seed: int = 0) -> np.ndarray:
    words = np.setdiff1d(np.arange(VOCAB_SIZE), SPECIAL)
    text = generator(seed).choice(words, length - 3)
    return np.concatenate(
        [[SPECIAL.cls], text[: length // 2], [SPECIAL.sep], text[length // 2 :], [SPECIAL.sep]]
    ).astype(np.int32)


@given(
    length=st.integers(4, 512),
    probability=st.floats(0.01, 0.99),
    most=st.integers(1, 100),
    seed=st.integers(0, 2**32),
)
def test_masks_are_as_many_as_bert_defines_and_only_they_change(
    length: int, probability: float, most: int, seed: int
) -> None:
    input_ids = an_instance(length, seed)
    masked = Masking(SPECIAL, VOCAB_SIZE, probability, most)(input_ids, generator(seed, 1))
    assert masked.positions.size == min(most, max(1, round(length * probability)), length - 3)
    assert (np.diff(masked.positions) > 0).all()
    assert np.array_equal(masked.labels, input_ids[masked.positions])
    assert not np.isin(masked.labels, SPECIAL).any()
    elsewhere = np.setdiff1d(np.arange(length), masked.positions)
    assert np.array_equal(masked.input_ids[elsewhere], input_ids[elsewhere])
    assert {array.dtype for array in masked} == {np.dtype(np.int32)}


def test_of_the_masked_80_percent_become_mask_10_percent_random_and_10_percent_stay() -> None:
    masking = Masking(SPECIAL, VOCAB_SIZE, 0.15, 80)
    seen, labels, tokens = [], [], 0
    for number in range(2000):
        input_ids = an_instance(128, number)
        masked = masking(input_ids, generator(7, number))
        seen.append(masked.input_ids[masked.positions])
        labels.append(masked.labels)
        tokens += input_ids.size
    seen, labels = np.concatenate(seen), np.concatenate(labels)
    assert labels.size / tokens == pytest.approx(0.15, abs=0.002)
    is_mask, stays = seen == SPECIAL.mask, seen == labels
    is_random = ~is_mask & ~stays
    # 38,000 draws: 0.01 is more than four standard deviations of each share.
    assert is_mask.mean() == pytest.approx(0.8, abs=0.01)
    assert stays.mean() == pytest.approx(0.1, abs=0.01)
    assert is_random.mean() == pytest.approx(0.1, abs=0.01)
    random_ids = seen[is_random]
    assert not np.isin(random_ids, SPECIAL).any()
    assert np.unique(random_ids).size > 900


def test_every_position_is_masked_equally_often() -> None:
    masking = Masking(SPECIAL, VOCAB_SIZE, 0.15, 80)
    input_ids = an_instance(43)
    counts = np.zeros(43)
    for number in range(4000):
        counts[masking(input_ids, generator(0, number)).positions] += 1
    expected = 4000 * 6 / 40
    ordinary = counts[counts > 0]
    assert ordinary.size == 40
    assert abs(ordinary - expected).max() < 5 * np.sqrt(expected)


def test_an_instance_of_unknown_pieces_only_has_nothing_to_predict() -> None:
    input_ids = np.array([SPECIAL.cls, SPECIAL.unk, SPECIAL.unk, SPECIAL.sep], np.int32)
    masked = Masking(SPECIAL, VOCAB_SIZE, 0.15, 80)(input_ids, generator(0))
    assert masked.positions.size == masked.labels.size == 0
    assert np.array_equal(masked.input_ids, input_ids)
