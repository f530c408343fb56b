import json
import shutil
from pathlib import Path

import pytest
import transformers
from tokenizers import Tokenizer, models, normalizers

from trainer.errors import CheckpointError
from trainer.model import tokenizer as tokenizer_files


def test_a_complete_tokenizer_frames_texts_and_pairs(tokenizer: Tokenizer) -> None:
    complete = tokenizer_files.complete(tokenizer, "memory")

    assert complete.encode("Paris ab").tokens == ["[CLS]", "paris", "a", "##b", "[SEP]"]
    pair = complete.encode("a", "b c")
    assert pair.tokens == ["[CLS]", "a", "[SEP]", "b", "c", "[SEP]"]
    assert pair.type_ids == [0, 0, 0, 1, 1, 1]


def test_it_reads_a_mask_and_writes_words(tokenizer: Tokenizer) -> None:
    encoded = tokenizer_files.complete(tokenizer, "memory").encode("paris [MASK] abc.")

    assert encoded.tokens == ["[CLS]", "paris", "[MASK]", "a", "##b", "##c", ".", "[SEP]"]
    assert tokenizer_files.complete(tokenizer, "memory").decode(encoded.ids) == "paris abc."


def test_it_leaves_the_given_tokenizer_and_the_ids_alone(tokenizer: Tokenizer) -> None:
    before = tokenizer.to_str()

    complete = tokenizer_files.complete(tokenizer, "memory")

    assert tokenizer.to_str() == before
    assert complete.get_vocab() == tokenizer.get_vocab()


def test_it_neither_cuts_nor_pads(tokenizer: Tokenizer) -> None:
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=64)

    assert len(tokenizer_files.complete(tokenizer, "memory").encode("a b c d e f")) == 8


@pytest.mark.parametrize("kept", [{"tokenizer.json"}, {"vocab.txt", "tokenizer_config.json"}, {"vocab.txt"}])
def test_old_and_new_files_hold_the_same_tokenizer(tokenizer: Tokenizer, tmp_path: Path, kept: set[str]) -> None:
    complete = tokenizer_files.complete(tokenizer, "memory")
    tokenizer_files.write(complete, str(tmp_path), 64)
    for file in tmp_path.iterdir():
        if file.name not in kept:
            file.unlink()

    read = tokenizer_files.read(str(tmp_path))

    assert json.loads(read.to_str()) == json.loads(complete.to_str())


def test_a_cased_vocabulary_stays_cased(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer_files.write(tokenizer_files.complete(tokenizer, "memory"), str(tmp_path), 64)
    (tmp_path / "tokenizer.json").unlink()

    assert tokenizer_files.read(str(tmp_path)).encode("Paris").tokens == ["[CLS]", "[UNK]", "[SEP]"]


def test_berts_own_vocabulary_gives_hugging_faces_ids(shared_data: Path, tmp_path: Path) -> None:
    texts = ["The Beyoncé effect: 1,000,000 fans!", "東京 (Tokyo) is\u00a0big\x00.", "don't [MASK] it", "naïve ﬁnd", ""]
    shutil.copy(shared_data / "bert-base-uncased-vocab.txt", tmp_path / "vocab.txt")
    ours = tokenizer_files.read(str(tmp_path))
    theirs = transformers.BertTokenizer.from_pretrained(tmp_path)

    assert ours.get_vocab_size() == 30_522
    for text in texts:
        assert ours.encode(text, texts[0]).ids == theirs(text, texts[0])["input_ids"], text


def test_a_vocabulary_without_a_special_token_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n")

    with pytest.raises(CheckpointError, match=r"vocab.txt: the vocabulary has no \[MASK\]; "):
        tokenizer_files.read(str(tmp_path))


def test_another_kind_of_tokenizer_is_refused(tmp_path: Path) -> None:
    Tokenizer(models.BPE()).save(str(tmp_path / "tokenizer.json"))

    with pytest.raises(CheckpointError, match=r"tokenizer.json: the tokenizer is not BERT's WordPiece; "):
        tokenizer_files.read(str(tmp_path))


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("tokenizer.json", "{", "tokenizer.json: not a tokenizer"),
        ("tokenizer_config.json", "[", "tokenizer_config.json: not a JSON object"),
        ("README", "", "holds neither tokenizer.json nor vocab.txt"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, file: str, text: str, message: str) -> None:
    (tmp_path / file).write_text(text)
    if file == "tokenizer_config.json":
        (tmp_path / "vocab.txt").write_text("[PAD]\n")

    with pytest.raises(CheckpointError, match=message):
        tokenizer_files.read(str(tmp_path))


def test_a_vocabulary_alone_tells_its_case(tokenizer: Tokenizer) -> None:
    pieces = [piece for piece, _ in sorted(tokenizer.get_vocab().items(), key=lambda piece: piece[1])]
    cased = "\n".join(["Paris" if piece == "paris" else piece for piece in pieces])

    assert tokenizer_files.of_vocabulary("\n".join(pieces), "memory").encode("Paris").tokens[1] == "paris"
    assert tokenizer_files.of_vocabulary(cased, "memory").encode("Paris").tokens[1] == "Paris"


def test_accents_and_chinese_characters_are_treated_as_the_settings_say(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.normalizer = normalizers.BertNormalizer(strip_accents=False, handle_chinese_chars=False)
    tokenizer_files.write(tokenizer_files.complete(tokenizer, "memory"), str(tmp_path), 64)
    (tmp_path / "tokenizer.json").unlink()

    read = tokenizer_files.read(str(tmp_path)).normalizer

    assert (read.lowercase, read.strip_accents, read.handle_chinese_chars) == (True, False, False)


@pytest.mark.parametrize("file", ["vocab.txt", "tokenizer.json"])
def test_a_file_by_itself_is_a_tokenizer(tokenizer: Tokenizer, tmp_path: Path, file: str) -> None:
    complete = tokenizer_files.complete(tokenizer, "memory")
    tokenizer_files.write(complete, str(tmp_path), 64)

    assert json.loads(tokenizer_files.read(str(tmp_path / file)).to_str()) == json.loads(complete.to_str())
