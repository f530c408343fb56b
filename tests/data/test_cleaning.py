"""What is left out and changed, one document at a time."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.stories import STORIES
from trainer.config.corpus import Cleaning
from trainer.data.cleaning import Cleaned, Cleaner
from trainer.data.languages import WITHOUT_WORDS, language
from trainer.errors import ConfigError

PIECE = 40
"""Characters from which on the language is sure."""


@given(st.text())
def test_without_settings_text_stays_as_it_is(text: str) -> None:
    assert Cleaner(Cleaning())(text) == (Cleaned(text, None) if text.strip() else Cleaned(None, "empty"))


@pytest.mark.parametrize("text", ["", " \n\t", "\u2003"])
def test_space_alone_is_no_text(text: str) -> None:
    assert Cleaner(Cleaning(min_characters=1))(text) == Cleaned(None, "empty")


def test_a_document_of_just_the_minimum_stays() -> None:
    clean = Cleaner(Cleaning(min_characters=5))
    assert clean("Berth").left_out is None
    assert clean("Bert").left_out == "short"
    assert clean("  Bert \n").left_out == "short", "space around it does not count"


@given(st.text(min_size=1))
def test_text_comes_out_in_the_form_that_is_asked_for(text: str) -> None:
    for form in ("NFC", "NFKC"):
        cleaned = Cleaner(Cleaning(unicode=form))(text)
        assert cleaned.text is None or cleaned.text == unicodedata.normalize(form, text)


def test_the_length_is_that_of_normalised_text() -> None:
    decomposed = unicodedata.normalize("NFD", "éèêëé")
    assert len(decomposed) == 10
    assert Cleaner(Cleaning(min_characters=6))(decomposed).text == decomposed
    assert Cleaner(Cleaning(min_characters=6, unicode="NFC"))(decomposed).left_out == "short"


@pytest.mark.parametrize("code", STORIES)
def test_only_the_languages_that_are_asked_for_stay(code: str) -> None:
    clean = Cleaner(Cleaning(languages=(code,)))
    assert [other for other, text in STORIES.items() if clean(text).left_out is None] == [code]


def test_many_languages_may_be_asked_for() -> None:
    clean = Cleaner(Cleaning(languages=("fr", "ru")))
    assert [code for code, text in STORIES.items() if clean(text).left_out is None] == ["fr", "ru"]


def test_a_short_document_is_short_and_not_of_another_language() -> None:
    assert Cleaner(Cleaning(languages=("de",), min_characters=1000))(STORIES["en"]).left_out == "short"


@pytest.mark.parametrize("code", STORIES)
def test_the_language_of_forty_characters_is_told(code: str) -> None:
    story = STORIES[code]
    without_accents = "".join(c for c in unicodedata.normalize("NFD", story.lower()) if not unicodedata.combining(c))
    for text in (story, story.upper(), without_accents if code != "ja" else story):
        pieces = [text[start : start + PIECE] for start in range(0, len(text) - PIECE, 7)]
        assert sum(language(piece) == code for piece in pieces) >= 0.9 * len(pieces)


@pytest.mark.parametrize("text", ["", "12 34.5 | 77 -- 3", "?!"])
def test_text_without_letters_is_in_no_language(text: str) -> None:
    assert language(text) == WITHOUT_WORDS


def test_a_long_text_is_told_by_its_middle() -> None:
    text = STORIES["en"] + 20 * STORIES["fi"] + STORIES["en"]
    assert language(text) == "fi"


def test_a_language_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"corpus\.cleaning\.languages: 'english' is no language .* de .* en .* zh"):
        Cleaner(Cleaning(languages=("en", "english")))
