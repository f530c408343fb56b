import pytest

from trainer.data import words
from trainer.data.words import WordCounts, strings


def counted(*texts: str) -> WordCounts:
    counts = WordCounts()
    for text in texts:
        counts.add(strings([text]))
    return counts


def test_words_are_counted_as_the_pre_tokenizer_parts_them() -> None:
    assert counted("The town, the sea. 東京", "Élan; town").words(lowercase=True) == {
        **{"the": 2, "town": 2, "sea": 1, "elan": 1, "東": 1, "京": 1},
        **{",": 1, ".": 1, ";": 1},
    }
    assert "Élan" in counted("Élan").words(lowercase=False)


def test_a_word_that_no_piece_can_spell_is_not_counted() -> None:
    assert counted(f"{'a' * 100} {'b' * 101}").words(lowercase=True) == {"a" * 100: 1}


def test_the_rarest_words_are_forgotten_when_memory_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "_MOST_COUNTED", 50)
    found = counted(*(f"often again rare{number} seldom{number}" for number in range(500))).words(lowercase=True)
    assert found["often"] == found["again"] == 500
    assert len(found) <= 50
