from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.tricky_sentences import TRICKY, parts
from trainer.data.sentences import split


def test_a_sentence_ends_where_a_reader_would_end_it() -> None:
    text = 'Dr. Brown came at 3.30 p.m. on Jan. 5. He was late! Was he? "I was."'
    assert split(text) == ["Dr. Brown came at 3.30 p.m. on Jan. 5.", "He was late!", "Was he?", '"I was."']


def test_nearly_all_tricky_places_are_split_as_a_reader_would() -> None:
    """Those that are not are told by `python -m tests.benchmarks.sentences`, beside what others make of them."""
    wrong = [case for case in TRICKY if split(" ".join(parts(case))) != parts(case)]
    assert len(wrong) <= len(TRICKY) // 8, wrong


def test_a_line_break_is_a_space() -> None:
    assert split("The house\nis old. It\n   stands.") == ["The house is old.", "It stands."]


def test_a_blank_line_ends_a_sentence() -> None:
    assert split("Chapter I\n\t\nThe house is old.") == ["Chapter I", "The house is old."]


def test_blank_text_has_no_sentences() -> None:
    assert split(" \n\n\t ") == []


@given(st.text(st.sampled_from("ab .!?\"“”‘’'()[]\n\t中。é\u0301😀"), max_size=400))
def test_no_character_is_lost(text: str) -> None:
    assert "".join("".join(split(text)).split()) == "".join(text.split())


def test_a_paragraph_of_a_whole_book_is_split_to_the_end() -> None:
    sentence = "“He said ‘Go’ and went."
    sentences = split(f"{sentence} " * 20_000)
    assert "".join("".join(sentences).split()) == "".join(sentence.split()) * 20_000
    assert max(map(len, sentences)) <= 20_000


def test_text_without_spaces_is_split_at_all() -> None:
    assert "".join(split("a" * 50_001)) == "a" * 50_001
