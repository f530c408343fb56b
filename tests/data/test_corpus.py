from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainer import storage
from trainer.data import manifest
from trainer.data.corpus import Corpus
from trainer.errors import DataError

WriteCorpus = Callable[..., Corpus]


@given(
    documents=st.lists(st.lists(st.integers(1, 20), min_size=1, max_size=9), max_size=9),
    documents_per_shard=st.integers(1, 5),
    vocab_size=st.sampled_from([50_000, 100_000]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_documents_are_read_back(
    numbered_corpus: WriteCorpus, documents: list[list[int]], documents_per_shard: int, vocab_size: int
) -> None:
    corpus = numbered_corpus(documents, documents_per_shard, vocab_size)
    assert len(corpus) == len(documents)
    token = 5
    for number, lengths in enumerate(documents):
        tokens, sentence_lengths = corpus.document(number)
        assert tokens.dtype == (np.uint16 if vocab_size <= 65536 else np.uint32)
        assert tokens.tolist() == list(range(token, token + sum(lengths)))
        assert sentence_lengths.tolist() == lengths
        token += sum(lengths)


def test_documents_are_views_of_the_mapped_file(numbered_corpus: WriteCorpus) -> None:
    tokens, lengths = numbered_corpus([[3, 4], [5]]).document(1)
    assert not tokens.flags.owndata
    assert not tokens.flags.writeable
    assert not lengths.flags.owndata


def test_a_corpus_may_lie_on_any_storage(
    numbered_corpus: WriteCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbered_corpus([[3, 4], [5]], documents_per_shard=1)
    monkeypatch.setenv("BERTH_CACHE", str(tmp_path / "cache"))
    for path in (tmp_path / "corpus-0").iterdir():
        storage.write_bytes(f"memory://test-corpus/{path.name}", path.read_bytes())
    assert Corpus("memory://test-corpus", "train").document(1).tokens.tolist() == [12, 13, 14, 15, 16]
    assert len(Corpus("memory://test-corpus", "held_out")) == 0


def test_the_shards_may_lie_elsewhere(numbered_corpus: WriteCorpus, tmp_path: Path) -> None:
    made = numbered_corpus([[3, 4], [5]]).manifest
    manifest.write(
        str(tmp_path / "run" / "corpus.json"), made.model_copy(update={"location": str(tmp_path / "corpus-0")})
    )
    assert Corpus(str(tmp_path / "run"), "train").document(1).tokens.tolist() == [12, 13, 14, 15, 16]


def test_a_folder_without_a_whole_corpus_is_refused(numbered_corpus: WriteCorpus, tmp_path: Path) -> None:
    numbered_corpus([[3]])
    (tmp_path / "corpus-0" / "corpus.json").unlink()
    with pytest.raises(DataError, match=r"corpus-0: there is no prepared corpus; prepare it first"):
        Corpus(str(tmp_path / "corpus-0"), "train")


def overwrite(path: Path, data: bytes) -> None:
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (Path.unlink, "the shard is missing"),
        (lambda path: overwrite(path, path.read_bytes()[:-1]), r"has \d+ bytes, and corpus.json says \d+"),
        (lambda path: overwrite(path, bytes(path.stat().st_size)), r"not a shard of a corpus \(.*\)"),
        (
            lambda path: overwrite(path, path.read_bytes().replace(b"sentence_lengths", b"sentence_numbers")),
            r"not a shard of a corpus \(.*\)",
        ),
        (
            lambda path: overwrite(path, path.with_name("train-00001.arrow").read_bytes()),
            "is another shard: 6 tokens, and corpus.json says 5",
        ),
    ],
)
def test_a_damaged_or_foreign_shard_is_refused(
    numbered_corpus: WriteCorpus, tmp_path: Path, damage: Callable[[Path], None], problem: str
) -> None:
    numbered_corpus([[5], [6]], documents_per_shard=1)
    damage(tmp_path / "corpus-0" / "train-00000.arrow")
    with pytest.raises(DataError, match=rf"train-00000\.arrow: {problem}; delete .*corpus-0; the command that made it"):
        Corpus(str(tmp_path / "corpus-0"), "train")
