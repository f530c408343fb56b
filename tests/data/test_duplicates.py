"""Which documents go: exact ones by the letter, near ones by how much they share."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.config.corpus import Cleaning
from trainer.data.duplicates import SHINGLE, Duplicates, signature
from trainer.data.near_index import NearIndex, rows_in_a_band

EXACT = Cleaning(duplicates="exact")
NEAR = Cleaning(duplicates="near", similarity=0.8)
PAIRS = 300


def reasons(texts: list[str], settings: Cleaning) -> list[str | None]:
    seen = Duplicates(settings)
    return [seen.sees(signature(text, settings)) for text in texts]


def pair(similarity: float, number: int, runs: int = 400) -> tuple[str, str]:
    """Two documents whose sets of 5-word runs have (nearly) that Jaccard similarity, of words of their own."""
    shared = round(2 * runs * similarity / (1 + similarity))
    words = [f"w{number}x{place}" for place in range(runs + SHINGLE - 1)]
    others = [*words[: shared + SHINGLE - 1], *(f"{word}y" for word in words[shared + SHINGLE - 1 :])]
    return " ".join(words), " ".join(others)


def found(similarity: float, settings: Cleaning = NEAR) -> float:
    """The share of pairs of that similarity of which the second goes; they all stand in one corpus."""
    pairs = [pair(similarity, number) for number in range(PAIRS)]
    answers = reasons([first for first, _ in pairs] + [second for _, second in pairs], settings)
    assert not any(answers[:PAIRS])
    return sum(answer == "near_duplicate" for answer in answers[PAIRS:]) / PAIRS


@given(st.lists(st.sampled_from(["", "a", "A", "a ", "b c", "é", "e\u0301", "one two three four five six"])))
def test_exact_finds_just_those_that_came_before(texts: list[str]) -> None:
    expected = ["duplicate" if text in texts[:place] else None for place, text in enumerate(texts)]
    assert reasons(texts, EXACT) == expected


def test_pairs_well_above_the_similarity_are_found() -> None:
    assert found(0.95) == 1
    assert found(0.9) >= 0.99


def test_pairs_well_below_the_similarity_stay() -> None:
    assert found(0.65) <= 0.01
    assert found(0.3) == 0


def test_about_half_of_the_pairs_on_the_line_are_found() -> None:
    assert 0.35 < found(0.8) < 0.65


@pytest.mark.parametrize("similarity", [0.3, 0.5, 0.95])
def test_the_line_is_where_it_is_set(similarity: float) -> None:
    settings = Cleaning(duplicates="near", similarity=similarity)
    assert found(similarity + 0.5 * (1 - similarity), settings) >= 0.9
    assert found(similarity - 0.15, settings) <= 0.02


def test_case_space_and_line_ends_do_not_count() -> None:
    text, _ = pair(1, 0, runs=50)
    assert reasons([text, text.upper().replace(" ", "  \n")], NEAR) == [None, "near_duplicate"]


def test_the_order_of_words_counts() -> None:
    text, _ = pair(1, 0, runs=50)
    assert reasons([text, " ".join(reversed(text.split()))], NEAR) == [None, None]


def test_turning_paragraphs_round_hardly_counts() -> None:
    words = pair(1, 0, runs=500)[0].split()
    assert reasons([" ".join(words), " ".join(words[250:] + words[:250])], NEAR) == [None, "near_duplicate"]


def test_a_repeated_passage_does_not_count() -> None:
    text, _ = pair(1, 0, runs=500)
    assert reasons([text, f"{text} {text}"], NEAR) == [None, "near_duplicate"]


def test_fewer_than_five_words_are_only_the_same_letter_by_letter() -> None:
    texts = ["one two three four", "One two three four", "one two three four", "one two three four five"]
    assert reasons(texts, NEAR) == [None, None, "duplicate", None]


def test_a_near_duplicate_of_what_was_left_out_is_no_duplicate() -> None:
    words = pair(1, 0, runs=400)[0].split()
    changed = [f"{word}z" if place < 30 else word for place, word in enumerate(words)]
    more = [f"{word}z" if place < 60 else word for place, word in enumerate(words)]
    texts = [" ".join(text) for text in (words, changed, more)]
    assert reasons(texts, NEAR) == [None, "near_duplicate", None]
    assert reasons(texts[1:], NEAR) == [None, "near_duplicate"]


def test_a_long_document_is_worked_on_in_pieces_and_is_the_same() -> None:
    words = [f"w{place % 9973}" for place in range(20_000)]
    whole = signature(" ".join(words), NEAR)
    assert signature("\n".join(words), NEAR).sketch == whole.sketch
    assert signature(" ".join(words[:9973] + words[: SHINGLE - 1]), NEAR).sketch == whole.sketch, "all runs are in it"


def test_signatures_are_the_same_in_every_process() -> None:
    text, _ = pair(1, 3)
    program = (
        "import pickle, sys; from trainer.config.corpus import Cleaning; from trainer.data.duplicates import signature;"
        "sys.stdout.buffer.write(pickle.dumps(signature(sys.stdin.read(), Cleaning(duplicates='near'))))"
    )
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])}
        result = subprocess.run(
            [sys.executable, "-c", program], input=text.encode(), capture_output=True, check=True, env=environment
        )
        assert pickle.loads(result.stdout) == signature(text, NEAR)


def test_a_signature_is_small() -> None:
    assert len(pickle.dumps(signature(pair(1, 0, runs=20_000)[0], NEAR))) < 700


def test_the_index_grows_without_forgetting() -> None:
    rng = np.random.default_rng(0)
    sketches = rng.integers(1 << 32, size=(5000, 128), dtype=np.uint32)
    index = NearIndex(128, 0.8)
    assert all(index.add(sketch) for sketch in sketches)
    nearly = sketches.copy()
    nearly[:, :12] += 1  # 91 % of the hashes stay
    assert not any(index.add(sketch) for sketch in nearly)
    nearly[:, :64] += 1
    assert all(index.add(sketch) for sketch in nearly)


@pytest.mark.parametrize("similarity", [0.05, 0.5, 0.8, 0.99])
def test_bands_find_nearly_all_that_are_alike(similarity: float) -> None:
    rows = rows_in_a_band(128, similarity)
    assert rows == 1 or 1 - (1 - similarity**rows) ** (128 // rows) >= 0.98
