import hashlib
from pathlib import Path

import numpy as np
import pytest

from trainer.data.manifest import Shard
from trainer.data.shards import Counted, Document, Notes, Place, finished_shard, write_shard

PLACE = Place("train", 0, source=1)
NOTES = Notes("a", {"short": 2}, {"ζ": 1})


def a_document(*lengths: int) -> Document:
    return Document(np.arange(sum(lengths), dtype=np.uint32), np.array(lengths, np.uint16))


def write(folder: Path, *documents: Document) -> Counted:
    return write_shard(str(folder), PLACE, documents, vocab_size=100, notes=NOTES)


def there(folder: Path, made_from: str) -> Counted | None:
    return finished_shard(str(folder), PLACE, vocab_size=100, made_from=made_from)


def test_a_shard_is_described_by_counts_size_and_sha256(tmp_path: Path) -> None:
    shard, token_counts, notes = write(tmp_path, a_document(3, 4), a_document(5))
    assert notes == NOTES
    data = (tmp_path / PLACE.name).read_bytes()
    assert shard == Shard(
        name="train-00000.arrow",
        split="train",
        source=1,
        documents=2,
        sentences=3,
        tokens=12,
        longest=7,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    assert token_counts.tolist() == [2] * 5 + [1] * 2 + [0] * 93
    assert [path.name for path in tmp_path.iterdir()] == ["train-00000.arrow"]


def test_a_finished_shard_is_known_by_what_it_was_made_from(tmp_path: Path) -> None:
    shard, token_counts, notes = write(tmp_path, a_document(3, 4), a_document(5))
    before = there(tmp_path, "a")
    assert before is not None
    assert (before.shard, before.notes) == (shard, notes)
    assert np.array_equal(before.token_counts, token_counts)
    assert there(tmp_path, "b") is None


@pytest.mark.parametrize("data", [b"", b"not Arrow"])
def test_what_is_no_shard_is_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / PLACE.name).write_bytes(data)
    assert there(tmp_path, "a") is None


def test_a_shard_may_be_empty(tmp_path: Path) -> None:
    shard, token_counts, _ = write(tmp_path)
    assert (shard.documents, shard.tokens, token_counts.sum()) == (0, 0, 0)
