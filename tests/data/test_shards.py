import hashlib
from pathlib import Path

import numpy as np
import pytest

from trainer.data import shards
from trainer.data.shards import Document, SplitWriter


def a_document(*lengths: int) -> Document:
    return Document(np.arange(sum(lengths), dtype=np.uint32), np.array(lengths, np.uint16))


def test_a_split_is_written_in_shards_of_so_many_documents(tmp_path: Path) -> None:
    writer = SplitWriter(str(tmp_path), "train", documents_per_shard=2, vocab_size=100)
    for _ in range(5):
        writer.add(a_document(3, 4))
    writer.flush()
    writer.flush()
    assert [shard.name for shard in writer.shards] == ["train-00000.arrow", "train-00001.arrow", "train-00002.arrow"]
    assert [shard.documents for shard in writer.shards] == [2, 2, 1]
    assert writer.totals.model_dump() == {"documents": 5, "sentences": 10, "tokens": 35}
    assert writer.token_counts.tolist() == [5] * 7 + [0] * 93


def test_a_shard_ends_early_where_documents_are_whole_books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "_SHARD_TOKENS", 100)
    writer = SplitWriter(str(tmp_path), "train", documents_per_shard=10_000, vocab_size=100)
    writer.add(a_document(30, 30))
    writer.add(a_document(40))
    assert [shard.documents for shard in writer.shards] == [2]


def test_a_shard_is_described_by_size_and_sha256(tmp_path: Path) -> None:
    writer = SplitWriter(str(tmp_path), "held_out", documents_per_shard=1, vocab_size=100)
    writer.add(a_document(3))
    data = (tmp_path / "held_out-00000.arrow").read_bytes()
    assert (writer.shards[0].bytes, writer.shards[0].sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert [path.name for path in tmp_path.iterdir()] == ["held_out-00000.arrow"]
