from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from trainer.data import sentences, vocab
from trainer.data.encoding import Encoder


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    vocab.save([*vocab.SPECIAL_PIECES, "one", "two", "three", ".", "##s"], str(tmp_path / "vocab.txt"))
    return vocab.load(str(tmp_path / "vocab.txt"), lowercase=True)


def test_a_document_is_its_sentences_tokens(tokenizer: Tokenizer) -> None:
    first, second = Encoder(tokenizer)(["One. Two twos three.", "Threes"])
    assert first.tokens.tolist() == [5, 8, 6, 6, 9, 7, 8]
    assert first.sentence_lengths.tolist() == [2, 5]
    assert (second.tokens.tolist(), second.sentence_lengths.tolist()) == ([7, 9], [2])


def test_documents_keep_their_order_and_their_tokens_over_many_slabs(tokenizer: Tokenizer) -> None:
    numbers = [1, 3000, 2, 9000, 1, 5000]
    documents = list(Encoder(tokenizer)(" ".join(["One two."] * number) for number in numbers))
    assert [document.sentence_lengths.size for document in documents] == numbers
    for document, number in zip(documents, numbers, strict=True):
        assert np.array_equal(document.tokens, np.tile([5, 6, 8], number))
        assert set(document.sentence_lengths.tolist()) == {3}


def test_documents_without_a_token_are_left_out(tokenizer: Tokenizer) -> None:
    control_characters = "\x01\x02"
    documents = list(Encoder(tokenizer)([control_characters, "One.", " ", "Two."]))
    assert [document.tokens.tolist() for document in documents] == [[5, 8], [6, 8]]
    assert list(Encoder(tokenizer)([control_characters])) == []
    assert list(Encoder(tokenizer)([])) == []


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=20), st.booleans())
def test_tokens_are_those_of_the_tokenizer(texts: list[str], lowercase: bool) -> None:
    letters = [chr(code) for code in range(33, 400)]
    vocab.save([*vocab.SPECIAL_PIECES, *letters, *(f"##{letter}" for letter in letters)], "memory://enc/vocab.txt")
    tokenizer = vocab.load("memory://enc/vocab.txt", lowercase)
    whole = tokenizer.encode_batch([" ".join(sentences.split(text)) for text in texts], add_special_tokens=False)
    found = [document.tokens.tolist() for document in Encoder(tokenizer)(texts)]
    assert found == [encoding.ids for encoding in whole if encoding.ids]


def test_tokens_stay_the_same_when_strings_are_forgotten(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [" ".join(["One", "two", f"three{number}."] * 3000) for number in range(4)]
    whole = list(Encoder(tokenizer)(texts))
    monkeypatch.setattr("trainer.data.encoding._MOST_REMEMBERED", 2)
    for some, all_ in zip(Encoder(tokenizer)(texts), whole, strict=True):
        assert np.array_equal(some.tokens, all_.tokens)


def test_words_that_become_unknown_are_counted(tokenizer: Tokenizer) -> None:
    encode = Encoder(tokenizer)
    list(encode(["One ocean, two oceans. One ocean."]))
    assert encode.unknown_words == {"ocean": 2, "oceans": 1, ",": 1}


def test_text_without_sentence_ends_is_cut_and_nothing_of_it_lost(tokenizer: Tokenizer) -> None:
    (document,) = Encoder(tokenizer)(["one " * 250 + "two. " + "Three. " + "one " * 199 + "."])
    assert document.sentence_lengths.tolist() == [100, 100, 52, 2, 100, 100]
    assert document.tokens.size == 454
