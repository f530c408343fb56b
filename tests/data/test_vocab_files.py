import json
from pathlib import Path
from typing import Any

import pytest
from transformers import BertTokenizerFast

from trainer.data import vocab
from trainer.data.vocab_files import read_given
from trainer.errors import ConfigError, DataError

PIECES = [*vocab.SPECIAL_PIECES, "the", "town", "##s"]


@pytest.fixture
def vocab_txt(tmp_path: Path) -> str:
    vocab.save(PIECES, str(tmp_path / "vocab.txt"))
    return str(tmp_path / "vocab.txt")


def hugging_face(folder: Path, vocab_txt: str, lowercase: bool = True) -> str:
    """A directory as transformers writes it."""
    BertTokenizerFast(vocab=vocab_txt, do_lower_case=lowercase).save_pretrained(str(folder))
    return str(folder)


def test_a_vocabulary_is_read_in_each_form(tmp_path: Path, vocab_txt: str) -> None:
    directory = hugging_face(tmp_path / "hf", vocab_txt)
    for given in (vocab_txt, directory, f"{directory}/tokenizer.json"):
        assert read_given(given, lowercase=True) == PIECES


def test_a_directory_of_an_older_transformers_is_read(tmp_path: Path, vocab_txt: str) -> None:
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    assert read_given(str(tmp_path), lowercase=True) == PIECES
    with pytest.raises(
        ConfigError, match=r"vocab\.lowercase: is false, and .*tokenizer_config\.json says true; set it"
    ):
        read_given(str(tmp_path), lowercase=False)


def test_a_tokenizer_of_another_case_is_refused(tmp_path: Path, vocab_txt: str) -> None:
    directory = hugging_face(tmp_path / "hf", vocab_txt, lowercase=False)
    assert read_given(directory, lowercase=False) == PIECES
    with pytest.raises(
        ConfigError, match=r"vocab\.lowercase: is true, and .*tokenizer\.json says false; set it to false"
    ):
        read_given(directory, lowercase=True)


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ({"type": "BPE", "vocab": {}}, "is a BPE tokenizer, not BERT's WordPiece with ##"),
        ({"type": "WordPiece", "continuing_subword_prefix": "@@", "vocab": {}}, "is a WordPiece tokenizer, not"),
        ({"type": "WordPiece", "continuing_subword_prefix": "##", "vocab": {"a": 0, "b": 2}}, "its ids are not 0, 1"),
        ({"type": "WordPiece", "continuing_subword_prefix": "##", "vocab": {"a": 0}}, r"the vocabulary has no \[PAD\]"),
        ({}, "is no tokenizer"),
    ],
)
def test_a_tokenizer_that_is_not_berts_is_refused(tmp_path: Path, model: dict[str, Any], problem: str) -> None:
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": model, "normalizer": None}))
    with pytest.raises(DataError, match=rf"tokenizer\.json: {problem}"):
        read_given(str(tmp_path / "tokenizer.json"), lowercase=True)


@pytest.mark.parametrize(("text", "problem"), [("{", r"not JSON \("), ("[]", "not a JSON object")])
def test_json_that_is_no_tokenizer_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "tokenizer.json").write_text(text)
    with pytest.raises(DataError, match=rf"tokenizer\.json: {problem}"):
        read_given(str(tmp_path / "tokenizer.json"), lowercase=True)
