import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer import storage
from trainer.data import vocab
from trainer.data.words import WordCounts, strings
from trainer.errors import DataError, StorageError

SPECIAL = list(vocab.SPECIAL_PIECES)
TEXT = [
    "The river Orla flows by the town of Melbury. Melbury was founded in 1482 by Anna Orlov.",
    "In the town of Melbury they make clocks; the clocks of Melbury are known in every town by the river.",
    "Élan, naïve café: 3 + 4 = 7. “Quotes” — and dashes… 東京 is Tokyo.",
]


def train(texts: Iterable[str], size: int, lowercase: bool = True) -> list[str]:
    counts = WordCounts()
    counts.add(strings(texts))
    return vocab.train(counts.words(lowercase), size)


def bpe(words: Counter[str], pieces: list[str], size: int) -> list[str]:
    """Byte-pair encoding by its definition: merge the most frequent pair, of equally frequent ones the lowest ids."""
    spelled = {word: [word[0], *(f"##{character}" for character in word[1:])] for word in words}
    pieces = list(pieces)
    while len(pieces) < size:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, count in words.items():
            for pair in pairwise(spelled[word]):
                pairs[pair] += count
        ids = {piece: number for number, piece in enumerate(pieces)}
        (left, right), count = min(pairs.items(), key=lambda item: (-item[1], ids[item[0][0]], ids[item[0][1]]))
        if count < 2:
            break
        merged = left + right.removeprefix("##")
        pieces += [merged] if merged not in ids else []
        for word, spelling in spelled.items():
            out: list[str] = []
            for piece in spelling:
                out[-1:] = [merged] if out and (out[-1], piece) == (left, right) else [*out[-1:], piece]
            spelled[word] = out
    return pieces


def test_merges_are_those_of_the_definition() -> None:
    sentence = "the clocks of the town are the old clocks of a town that they know then there those thaw"
    words = Counter(sentence.split())
    trained = train([sentence], size=60)
    characters = [piece for piece in trained if len(piece.removeprefix("##")) == 1]
    assert trained == bpe(words, [*SPECIAL, *characters], 60)


def test_a_vocabulary_is_the_same_in_every_process() -> None:
    program = (
        "import random; from trainer.data import vocab; from trainer.data.words import WordCounts, strings\n"
        "draw, counts = random.Random(0), WordCounts()\n"
        "words = [''.join(draw.choices('abcdefghijklmnopéßжщ中', k=draw.randint(1, 9))) for _ in range(3000)]\n"
        "texts = [' '.join(draw.choices(words, k=200)) for _ in range(100)]\n"
        "counts.add(strings(texts))\n"
        "print(vocab.fingerprint(vocab.train(counts.words(lowercase=True), 600)))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": str(number), "RAYON_NUM_THREADS": str(1 + number % 2)},
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        for number in range(3)
    ]
    assert len(runs[0]) == 65
    assert len(set(runs)) == 1


def test_a_vocabulary_begins_with_the_special_pieces_and_is_as_large_as_asked_for() -> None:
    pieces = train(TEXT, size=88)
    assert pieces[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert len(pieces) == len(set(pieces)) == 88
    assert "melbury" in pieces


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=50), max_size=5), st.booleans())
def test_text_that_was_trained_on_has_no_unknown_pieces(texts: list[str], lowercase: bool) -> None:
    storage.write_text("memory://test-vocab/vocab.txt", "".join(f"{p}\n" for p in train(texts, 600, lowercase)))
    tokenizer = vocab.load("memory://test-vocab/vocab.txt", lowercase)
    unknown = vocab.special_ids(tokenizer).unk
    assert all(unknown not in encoding.ids for encoding in tokenizer.encode_batch(texts))


def test_a_small_vocabulary_keeps_the_most_frequent_characters() -> None:
    pieces = train(["aaaa aaaa bbb bbb f e d c"], size=11)
    assert pieces == [*SPECIAL, "##a", "##b", "##c", "a", "b", "c", *(f"[unused{number}]" for number in range(5))]


@pytest.mark.parametrize(("size", "unused"), [(64, 0), (65, 7), (71, 1)])
def test_a_trained_vocabulary_has_a_multiple_of_8_pieces(size: int, unused: int) -> None:
    pieces = train(TEXT * 2, size)
    assert len(pieces) == size + unused
    assert sum(piece.startswith("[unused") for piece in pieces) == unused


def test_punctuation_and_chinese_characters_stand_only_for_themselves() -> None:
    pieces = train(["end. 東京"], size=100)
    assert {".", "東", "京"} <= set(pieces)
    assert not {"##.", "##東", "##京"} & set(pieces)


def test_counts_of_a_large_corpus_are_scaled_down(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["often often often again again"] * 1000
    whole = train(texts, size=60)
    monkeypatch.setattr(vocab, "_MOST_FED", 500)
    assert train(texts, size=60) == whole


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\ufeff"), min_size=1)))
def test_a_saved_vocabulary_is_read_back(pieces: list[str]) -> None:
    pieces = SPECIAL + [piece for piece in dict.fromkeys(pieces) if piece not in SPECIAL]
    vocab.save(pieces, "memory://test-vocab-back/vocab.txt")
    assert vocab.read("memory://test-vocab-back/vocab.txt") == pieces


def test_a_vocabulary_with_windows_line_ends_is_read(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_bytes("\r\n".join([*SPECIAL, "the"]).encode())
    assert vocab.read(str(tmp_path / "vocab.txt")) == [*SPECIAL, "the"]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([], "the vocabulary is empty"),
        ([piece for piece in SPECIAL if piece != "[MASK]"], r"the vocabulary has no \[MASK\]"),
        (["the", "of"], r"the vocabulary has no \[PAD\] \[UNK\] \[CLS\] \[SEP\] \[MASK\]"),
        ([*SPECIAL, "the", "of", "the"], "lines 6 and 8 are both 'the'"),
        ([*SPECIAL, "", "of"], "line 6 is blank"),
    ],
)
def test_a_vocabulary_that_is_none_is_refused(tmp_path: Path, lines: list[str], problem: str) -> None:
    (tmp_path / "vocab.txt").write_text("".join(f"{line}\n" for line in lines))
    with pytest.raises(DataError, match=rf"vocab\.txt: {problem}; give a vocab\.txt of BERT"):
        vocab.load(str(tmp_path / "vocab.txt"), lowercase=True)


def test_a_missing_vocabulary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file"):
        vocab.load(str(tmp_path / "vocab.txt"), lowercase=True)


def test_text_cannot_spell_special_pieces(tmp_path: Path) -> None:
    vocab.save([*SPECIAL, "[", "]", "mask", "MASK"], str(tmp_path / "vocab.txt"))
    for lowercase in (True, False):
        assert vocab.load(str(tmp_path / "vocab.txt"), lowercase).encode("[MASK]").tokens[::2] == ["[", "]"]


def test_accents_and_capitals_go_only_where_lowercase_is_asked_for(tmp_path: Path) -> None:
    vocab.save([*SPECIAL, "elan", "Élan"], str(tmp_path / "vocab.txt"))
    assert vocab.load(str(tmp_path / "vocab.txt"), lowercase=True).encode("Élan").tokens == ["elan"]
    assert vocab.load(str(tmp_path / "vocab.txt"), lowercase=False).encode("Élan").tokens == ["Élan"]


def test_continuations_are_the_pieces_that_go_on_with_a_word(tmp_path: Path) -> None:
    vocab.save([*SPECIAL, "#", "town", "##s", "##hall"], str(tmp_path / "vocab.txt"))
    tokenizer = vocab.load(str(tmp_path / "vocab.txt"), lowercase=True)
    assert vocab.continuations(tokenizer).tolist() == [False] * 7 + [True] * 2


def test_tokens_are_those_of_google_s_bert(shared_data: Path) -> None:
    tokenizer = vocab.load(str(shared_data / "bert-base-uncased-vocab.txt"), lowercase=True)
    encoding = tokenizer.encode("Hello, unaffable World!")
    assert encoding.tokens == ["hello", ",", "una", "##ffa", "##ble", "world", "!"]
    assert encoding.ids == [7592, 1010, 14477, 20961, 3468, 2088, 999]
    assert vocab.special_ids(tokenizer) == vocab.SpecialIds(pad=0, unk=100, cls=101, sep=102, mask=103)
