from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from trainer.data import vocab
from trainer.data.encoding import encoded


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    vocab.save([*vocab.SPECIAL_PIECES, "one", "two", "three", ".", "##s"], str(tmp_path / "vocab.txt"))
    return vocab.load(str(tmp_path / "vocab.txt"), lowercase=True)


def test_a_document_is_its_sentences_tokens(tokenizer: Tokenizer) -> None:
    first, second = encoded(["One. Two twos three.", "Threes"], tokenizer)
    assert first.tokens.tolist() == [5, 8, 6, 6, 9, 7, 8]
    assert first.sentence_lengths.tolist() == [2, 5]
    assert (second.tokens.tolist(), second.sentence_lengths.tolist()) == ([7, 9], [2])


def test_documents_keep_their_order_and_their_tokens_over_many_slabs(tokenizer: Tokenizer) -> None:
    numbers = [1, 3000, 2, 9000, 1, 5000]
    documents = list(encoded((" ".join(["One two."] * number) for number in numbers), tokenizer))
    assert [document.sentence_lengths.size for document in documents] == numbers
    for document, number in zip(documents, numbers, strict=True):
        assert np.array_equal(document.tokens, np.tile([5, 6, 8], number))
        assert set(document.sentence_lengths.tolist()) == {3}


def test_documents_without_a_token_are_left_out(tokenizer: Tokenizer) -> None:
    control_characters = "\x01\x02"
    documents = list(encoded([control_characters, "One.", " ", "Two."], tokenizer))
    assert [document.tokens.tolist() for document in documents] == [[5, 8], [6, 8]]
    assert list(encoded([control_characters], tokenizer)) == []
    assert list(encoded([], tokenizer)) == []


def test_text_without_sentence_ends_is_cut_and_nothing_of_it_lost(tokenizer: Tokenizer) -> None:
    (document,) = encoded(["one " * 250 + "two. " + "Three. " + "one " * 199 + "."], tokenizer)
    assert document.sentence_lengths.tolist() == [100, 100, 52, 2, 100, 100]
    assert document.tokens.size == 454
