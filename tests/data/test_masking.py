import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.config.schema import Pretrain
from trainer.data.masking import Masking
from trainer.data.randomness import generator
from trainer.data.vocab import SpecialIds

SPECIAL = SpecialIds(pad=0, unk=100, cls=101, sep=102, mask=103)
VOCAB_SIZE = 1000
CONTINUES = np.arange(VOCAB_SIZE) >= 700
"""The pieces from 700 on go on with a word."""


def masking(probability: float = 0.15, most: int = 80, whole_words: bool = False) -> Masking:
    settings = Pretrain(mlm_probability=probability, max_predictions=most, whole_word_masking=whole_words)
    return Masking(SPECIAL, CONTINUES, settings)


def an_instance(length: int, seed: int = 0) -> np.ndarray:
    words = np.setdiff1d(np.arange(VOCAB_SIZE), SPECIAL)
    text = generator(seed).choice(words, length - 3)
    return np.concatenate(
        [[SPECIAL.cls], text[: length // 2], [SPECIAL.sep], text[length // 2 :], [SPECIAL.sep]]
    ).astype(np.int32)


def words_of(input_ids: np.ndarray) -> list[list[int]]:
    """The positions of each word's pieces."""
    words: list[list[int]] = []
    for position, piece in enumerate(input_ids.tolist()):
        if piece in SPECIAL:
            continue
        if CONTINUES[piece] and words and words[-1][-1] == position - 1:
            words[-1].append(position)
        else:
            words.append([position])
    return words


def chosen_by_google(words: list[list[int]], count: int) -> list[list[int]]:
    """The words that the loop of create_pretraining_data.py takes, for a number of predictions."""
    words = random.sample(words, len(words))
    chosen: list[list[int]] = []
    for word in words:
        if sum(map(len, chosen)) + len(word) <= count:
            chosen.append(word)
    return chosen


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
    masked = masking(probability, most)(input_ids, generator(seed, 1))
    assert masked.positions.size == min(most, max(1, round(length * probability)), length - 3)
    assert (np.diff(masked.positions) > 0).all()
    assert np.array_equal(masked.labels, input_ids[masked.positions])
    assert not np.isin(masked.labels, SPECIAL).any()
    elsewhere = np.setdiff1d(np.arange(length), masked.positions)
    assert np.array_equal(masked.input_ids[elsewhere], input_ids[elsewhere])
    assert {array.dtype for array in masked} == {np.dtype(np.int32)}


@given(
    length=st.integers(4, 512),
    probability=st.floats(0.01, 0.99),
    most=st.integers(1, 100),
    unknown=st.floats(0, 1),
    seed=st.integers(0, 2**32),
)
def test_words_are_masked_whole_and_as_many_as_fit(
    length: int, probability: float, most: int, unknown: float, seed: int
) -> None:
    input_ids = an_instance(length, seed)
    input_ids[1:-1][generator(seed, 2).random(length - 2) < unknown] = SPECIAL.unk
    before = input_ids.copy()
    masked = masking(probability, most, whole_words=True)(input_ids, generator(seed, 1))
    chosen = set(masked.positions.tolist())
    words = words_of(input_ids)
    assert all(chosen.isdisjoint(word) or chosen.issuperset(word) for word in words)
    left = min(most, max(1, round(length * probability))) - len(chosen)
    assert left >= 0
    assert all(len(word) > left for word in words if chosen.isdisjoint(word))
    assert np.array_equal(input_ids, before)
    assert (np.diff(masked.positions) > 0).all()
    assert np.array_equal(masked.labels, input_ids[masked.positions])
    assert not np.isin(masked.labels, SPECIAL).any()
    elsewhere = np.setdiff1d(np.arange(length), masked.positions)
    assert np.array_equal(masked.input_ids[elsewhere], input_ids[elsewhere])
    assert {array.dtype for array in masked} == {np.dtype(np.int32)}


def test_each_word_is_masked_as_often_as_by_googles_loop() -> None:
    sizes = [1] * 8 + [2] * 4 + [3] * 4 + [4] * 2
    text = [piece for size in sizes for piece in [500, *[800] * (size - 1)]]
    input_ids = np.array([SPECIAL.cls, *text, SPECIAL.sep], np.int32)
    words = words_of(input_ids)
    assert [len(word) for word in words] == sizes
    random.seed(0)
    mask, draws = masking(most=5, whole_words=True, probability=0.15), 5000
    ours, googles = np.zeros((2, input_ids.size))
    for number in range(draws):
        ours[mask(input_ids, generator(1, number)).positions] += 1
        for word in chosen_by_google(words, 5):
            googles[word] += 1
    firsts = [word[0] for word in words]
    assert ours[firsts].min() > 0
    assert abs(ours - googles)[firsts].max() < 5 * np.sqrt(2 * draws / 4)


def test_a_continuation_at_the_front_of_a_text_is_a_word() -> None:
    input_ids = np.array([SPECIAL.cls, 5, SPECIAL.sep, 800, 801, SPECIAL.sep], np.int32)
    mask = masking(most=2, whole_words=True, probability=0.4)
    chosen = {tuple(mask(input_ids, generator(0, number)).positions.tolist()) for number in range(40)}
    assert chosen == {(1,), (3, 4)}


@pytest.mark.parametrize("whole_words", [False, True])
def test_of_the_masked_80_percent_become_mask_10_percent_random_and_10_percent_stay(whole_words: bool) -> None:
    mask = masking(whole_words=whole_words)
    seen, labels, tokens = [], [], 0
    for number in range(2000):
        input_ids = an_instance(128, number)
        masked = mask(input_ids, generator(7, number))
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


def test_the_pieces_of_a_word_are_replaced_each_for_itself() -> None:
    input_ids = np.array([SPECIAL.cls, 500, 800, SPECIAL.sep], np.int32)
    mask = masking(0.5, whole_words=True)
    seen = np.stack([mask(input_ids, generator(3, number)).input_ids[1:3] for number in range(4000)])
    both = (seen == SPECIAL.mask).all(axis=1).mean()
    assert both == pytest.approx(0.64, abs=4 * np.sqrt(0.64 * 0.36 / 4000))


def test_every_position_is_masked_equally_often() -> None:
    mask = masking()
    input_ids = an_instance(43)
    counts = np.zeros(43)
    for number in range(4000):
        counts[mask(input_ids, generator(0, number)).positions] += 1
    expected = 4000 * 6 / 40
    ordinary = counts[counts > 0]
    assert ordinary.size == 40
    assert abs(ordinary - expected).max() < 5 * np.sqrt(expected)


@pytest.mark.parametrize("whole_words", [False, True])
def test_an_instance_of_unknown_pieces_only_has_nothing_to_predict(whole_words: bool) -> None:
    input_ids = np.array([SPECIAL.cls, SPECIAL.unk, SPECIAL.unk, SPECIAL.sep], np.int32)
    masked = masking(whole_words=whole_words)(input_ids, generator(0))
    assert masked.positions.size == masked.labels.size == 0
    assert np.array_equal(masked.input_ids, input_ids)


def test_a_word_of_more_pieces_than_may_be_predicted_is_left() -> None:
    input_ids = np.array([SPECIAL.cls, 500, 800, 801, SPECIAL.sep], np.int32)
    masked = masking(most=2, probability=0.9, whole_words=True)(input_ids, generator(0))
    assert masked.positions.size == 0
